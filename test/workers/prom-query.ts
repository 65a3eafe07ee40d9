const words = new Set(
  'sum min max count avg by without on ignoring and or unless rate increase absent histogram_quantile label_values'.split(
    ' ',
  ),
);

/** Names of the metrics that a PromQL query asks for. */
export function metricsAsked(expr: string): string[] {
  const bare = withoutTexts(expr)
    .replaceAll(/\{[^}]*\}/g, ' ')
    .replaceAll(/\[[^\]]*\]/g, ' ')
    .replaceAll(/\b(?:by|without|on|ignoring)\s*\([^)]*\)/g, ' ')
    .replace(/^(label_values\([^,]*),.*$/, '$1');
  return [...bare.matchAll(/[a-z_][a-z0-9_]*/g)]
    .map((match) => match[0])
    .filter((name) => !words.has(name));
}

/** Names of the labels by which it selects or groups. */
export function labelsAsked(expr: string): string[] {
  const bare = withoutTexts(expr);
  const groups = [...bare.matchAll(/\b(?:by|without|on|ignoring)\s*\(([^)]*)\)/g)];
  const selectors = [...bare.matchAll(/\{([^}]*)\}/g)];
  const ofVariable = /^label_values\([^,]*,([^)]*)\)/.exec(bare)?.[1] ?? '';
  return [...groups, ...selectors]
    .flatMap((match) => (match[1] ?? '').split(','))
    .concat(ofVariable)
    .map((text) => text.trim().replace(/[=!~\s].*$/s, ''))
    .filter((label) => label !== '');
}

function withoutTexts(expr: string): string {
  return expr.replaceAll(/"[^"]*"/g, '""');
}
