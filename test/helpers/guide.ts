/** A fenced block of commands in a guide, and who runs it. */
export interface GuideBlock {
  /** `you`, or `root@<machine>`. */
  who: string;
  /** What that person answers to every question. */
  answer?: string;
  commands: string[];
}

/** The blocks of commands in order: ` ```sh <who> [answering <word>]`. @throws if one names nobody. */
export function guideBlocks(markdown: string): GuideBlock[] {
  return [...markdown.matchAll(/^```sh(.*)\n([\s\S]*?)^```$/gm)].map(([, info = '', body = '']) => {
    const words = /^ (you|root@[a-z0-9-]+)(?: answering ([a-z]+))?$/.exec(info);
    if (!words?.[1]) throw new Error(`nobody runs the block \`\`\`sh${info}`);
    return {
      who: words[1],
      ...(words[2] === undefined ? {} : { answer: words[2] }),
      commands: body.split('\n').filter((line) => line.trim() !== ''),
    };
  });
}

/** What the guide says will be printed: its blocks of text, in order. */
export function guideTexts(markdown: string): string[] {
  return [...markdown.matchAll(/^```text\n([\s\S]*?)^```$/gm)].map(([, body = '']) => body.trim());
}
