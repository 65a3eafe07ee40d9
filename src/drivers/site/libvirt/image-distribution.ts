import { setTimeout as sleep } from 'node:timers/promises';
import { Failure } from '../../../domain/failure.ts';
import { physicalFrontend, type LibvirtSite } from '../../../domain/site.ts';
import type { SentImage } from '../../../domain/site-line.ts';
import type { SiteDoor } from '../../../transport/site-door.ts';
import type { ImageSource, Watch } from '../site-driver.ts';
import { uploadImage } from './image-upload.ts';

const pollMs = 1_000;
/** A site's own LAN carries an image in seconds; a minute per hundred MB is very slow. */
const fetchDeadlineMs = 20 * 60_000;

/**
 * Brings the image to the physical frontend once, over the WAN, and from there to each VM container
 * over the site's own LAN.
 */
export async function distributeImage(
  site: LibvirtSite,
  door: SiteDoor,
  image: ImageSource,
  watch: Watch = {},
): Promise<SentImage | undefined> {
  const sent = await uploadImage(door, image, watch);
  const options = watch.signal ? { signal: watch.signal } : {};
  const source = { address: site.frontend.lanAddress, port: site.udpPorts.last };
  await door.call(physicalFrontend, 'image.serve', source, options);
  const waiting = new Set(site.containers.map((container) => container.name));
  const tell = () => watch.progress?.({ note: `image on its way to ${[...waiting].join(', ')}` });
  tell();
  await Promise.all(
    [...waiting].map(async (container) => {
      await fetchTo(door, container, image, source, watch);
      waiting.delete(container);
      if (waiting.size > 0) tell();
    }),
  );
  return sent;
}

async function fetchTo(
  door: SiteDoor,
  container: string,
  image: ImageSource,
  source: { address: string; port: number },
  watch: Watch,
): Promise<void> {
  const options = watch.signal ? { signal: watch.signal } : {};
  const { digest, size } = image;
  const deadline = Date.now() + fetchDeadlineMs;
  const before = await door.call(container, 'image.state', { digest }, options);
  if (before.complete) return;
  await door.call(container, 'image.fetch', { digest, size, ...source }, options);
  for (;;) {
    const state = await door.call(container, 'image.state', { digest }, options);
    if (state.complete) return;
    if (!state.fetching) {
      throw new Failure(
        'CommandFailed',
        `${container} could not fetch the image from its physical frontend at ${source.address}:${source.port}: ${state.error ?? 'it stopped before the end'}`,
        {
          host: container,
          help: 'check that the VM container reaches that TCP port of the physical frontend',
        },
      );
    }
    if (Date.now() > deadline) {
      throw new Failure(
        'Timeout',
        `${container} has not got the image from its physical frontend`,
        {
          host: container,
        },
      );
    }
    await sleep(pollMs, undefined, options);
  }
}
