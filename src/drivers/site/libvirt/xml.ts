import { Failure } from '../../../domain/failure.ts';

/** An element of an XML document. Names are as written, with their prefix. */
export interface XmlElement {
  name: string;
  attributes: Record<string, string>;
  children: XmlElement[];
  /** The element's own text, without that of its children. */
  text: string;
}

type Content = XmlElement | string | undefined;

/** An element to be rendered; undefined children and attributes are left out. */
export function element(
  name: string,
  attributes: Record<string, string | number | undefined> = {},
  ...content: Content[]
): XmlElement {
  const present = Object.entries(attributes).flatMap(([key, value]) =>
    value === undefined ? [] : [[key, String(value)] as const],
  );
  return {
    name,
    attributes: Object.fromEntries(present),
    children: content.filter((each): each is XmlElement => typeof each === 'object'),
    text: content.filter((each) => typeof each === 'string').join(''),
  };
}

export function renderXml(root: XmlElement): string {
  const attributes = Object.entries(root.attributes)
    .map(([key, value]) => ` ${key}="${escape(value)}"`)
    .join('');
  const content = escape(root.text) + root.children.map(renderXml).join('');
  return content === ''
    ? `<${root.name}${attributes}/>`
    : `<${root.name}${attributes}>${content}</${root.name}>`;
}

export function child(parent: XmlElement | undefined, name: string): XmlElement | undefined {
  return parent?.children.find((each) => each.name === name);
}

export function childrenNamed(parent: XmlElement | undefined, name: string): XmlElement[] {
  return parent?.children.filter((each) => each.name === name) ?? [];
}

const token =
  /<!--[\s\S]*?-->|<!\[CDATA\[([\s\S]*?)\]\]>|<\?[\s\S]*?\?>|<\/([^\s>]+)\s*>|<([^\s<>/!?]+)((?:\s+[^\s=<>/]+\s*=\s*(?:"[^"<]*"|'[^'<]*'))*)\s*(\/?)>|([^<]+)/y;
const attribute = /([^\s=]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g;

/**
 * Reads a document without document type, as libvirt prints them.
 *
 * @throws {Failure} Protocol if it is not well-formed.
 */
export function parseXml(document: string): XmlElement {
  const top = element('');
  const open = [top];
  let position = 0;
  while (position < document.length) {
    token.lastIndex = position;
    const match = token.exec(document);
    if (!match) throw malformed(document, position);
    position = token.lastIndex;
    const [, cdata, closing, opening, attributes = '', empty, text] = match;
    const parent = open.at(-1);
    if (!parent) throw malformed(document, match.index);
    if (opening !== undefined) {
      const started = element(opening, parseAttributes(attributes));
      parent.children.push(started);
      if (empty === '') open.push(started);
    } else if (closing !== undefined) {
      if (parent.name !== closing || parent === top) throw malformed(document, match.index);
      open.pop();
    } else if (text !== undefined) {
      parent.text += unescape(text);
    } else if (cdata !== undefined) {
      parent.text += cdata;
    }
  }
  const [root, ...others] = top.children;
  if (!root || others.length > 0 || open.length > 1) throw malformed(document, position);
  return root;
}

function parseAttributes(text: string): Record<string, string> {
  const pairs = [...text.matchAll(attribute)].map(
    ([, name = '', double, single]) => [name, unescape(double ?? single ?? '')] as const,
  );
  return Object.fromEntries(pairs);
}

const entities: Record<string, string> = {
  lt: '<',
  gt: '>',
  amp: '&',
  quot: '"',
  apos: "'",
};

function unescape(text: string): string {
  return text.replace(
    /&(?:#x([0-9a-fA-F]{1,6})|#([0-9]{1,7})|(\w+));/g,
    (all: string, hex?: string, decimal?: string, name?: string) => {
      if (name !== undefined) return entities[name] ?? all;
      const code = hex === undefined ? Number(decimal) : parseInt(hex, 16);
      return code <= 0x10ffff ? String.fromCodePoint(code) : '\ufffd';
    },
  );
}

function escape(text: string): string {
  return text
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
    .replace(/"/g, '&quot;')
    .replace(/'/g, '&apos;')
    .replace(/[\p{Cc}\ufffe\uffff]/gu, (character) => {
      // XML 1.0 has no way to write most of them.
      throw new Failure('BadInput', `character ${character.codePointAt(0)} cannot be in XML`);
    });
}

function malformed(document: string, position: number): Failure {
  const near = document.slice(position, position + 40);
  return new Failure('Protocol', `XML is not well-formed at ${position}: ${JSON.stringify(near)}`);
}
