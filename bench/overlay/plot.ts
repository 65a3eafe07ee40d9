import { find, ratio, throughput, type ScenarioResult } from './results.ts';

const panel = { width: 490, left: 196, bar: 22, gap: 8, top: 44, right: 96 };
const colors: Record<string, string> = {
  wire: '#8c959f',
  routed: '#1a7f37',
  vxlan: '#0969da',
  'vxlan-wireguard': '#54aeff',
  openvpn: '#bf8700',
  'n2n-direct': '#cf222e',
  'n2n-relayed': '#ff8182',
};
const font = 'font-family="system-ui, sans-serif" font-size="13"';

/** One panel per scenario, one bar per overlay, as SVG. */
export function renderPlot(results: ScenarioResult[]): string {
  const bars = Math.max(...results.map(({ overlays }) => overlays.length));
  const height = panel.top + bars * (panel.bar + panel.gap) + 16;
  const columns = Math.min(2, results.length);
  const rows = Math.ceil(results.length / columns);
  const [width, whole] = [columns * panel.width + 16, rows * height + 16];
  const panels = results.map((result, index) => {
    const [x, y] = [(index % columns) * panel.width + 8, Math.floor(index / columns) * height + 8];
    return `<g transform="translate(${x} ${y})">\n${renderPanel(result)}\n</g>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${whole}" viewBox="0 0 ${width} ${whole}" ${font} role="img">`,
    '<title>Throughput of the overlays in Mbit/s</title>',
    `<rect width="${width}" height="${whole}" fill="#ffffff"/>`,
    ...panels,
    '</svg>\n',
  ].join('\n');
}

function renderPanel(result: ScenarioResult): string {
  const most = Math.max(...result.overlays.map(throughput));
  const room = panel.width - panel.left - panel.right;
  const bars = result.overlays.map((overlay, index) => {
    const y = panel.top + index * (panel.bar + panel.gap);
    const [length, middle] = [(room * throughput(overlay)) / most, y + panel.bar / 2 + 4.5];
    const color = colors[overlay.name] ?? '#57606a';
    return [
      `<text x="${panel.left - 8}" y="${middle}" text-anchor="end" fill="#1f2328">${escape(overlay.title)}</text>`,
      `<rect x="${panel.left}" y="${y}" width="${length.toFixed(1)}" height="${panel.bar}" rx="2" fill="${color}"/>`,
      `<text x="${(panel.left + length + 6).toFixed(1)}" y="${middle}" fill="#57606a">${label(result, overlay.name)}</text>`,
    ].join('\n');
  });
  const title = `<text x="${panel.left}" y="24" font-weight="600" fill="#1f2328">${escape(result.scenario.title)}, Mbit/s</text>`;
  return [title, ...bars].join('\n');
}

function label(result: ScenarioResult, name: string): string {
  const overlay = find(result, name);
  const mbit = overlay ? throughput(overlay).toFixed(0) : '';
  const share = name === 'wire' ? undefined : ratio(result, name, 'wire');
  return share === undefined ? mbit : `${mbit} · ${(100 * share).toFixed(0)} %`;
}

function escape(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;');
}
