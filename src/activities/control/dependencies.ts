import type { SecretVault } from '../../domain/envelope.ts';
import type { ImageRef } from '../../domain/image.ts';
import type { Database } from '../../store/database.ts';

/** What the control activities work with; the worker hands it in. */
export interface ControlDependencies {
  db: Database;
  vault: SecretVault;
  /** This installation's UUID: part of every mark. */
  installation: string;
  /** Public ssh key of the person who runs this installation; may log in to every frontend VM. */
  userKey: string;
  /** Builds the node image, or finds it built. */
  buildImage(request: {
    rolls: string[];
    signal: AbortSignal;
    onProgress: (note: string) => void;
  }): Promise<ImageRef>;
  schedules: WatchSchedules;
}

/** The engine's schedules by which clusters are looked at. Both verbs are safe to repeat. */
export interface WatchSchedules {
  ensure(cluster: string, everyMinutes: number): Promise<void>;
  remove(cluster: string): Promise<void>;
}
