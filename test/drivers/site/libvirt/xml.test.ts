import { describe, expect, it } from 'vitest';
import {
  child,
  childrenNamed,
  element,
  parseXml,
  renderXml,
} from '../../../../src/drivers/site/libvirt/xml.ts';

describe('XML', () => {
  it('reads back what it wrote, whatever the text', () => {
    const nasty = `<x a="1" b='2'>&amp; ]]> <!-- --> </x> ü 語`;
    const written = element('a', { attribute: nasty, left: undefined }, element('b', {}, nasty));
    const read = parseXml(renderXml(written));
    expect(read).toEqual(written);
    expect(child(read, 'b')?.text).toBe(nasty);
  });

  it('refuses to write control characters', () => {
    expect(() => renderXml(element('a', {}, 'x\u0000y'))).toThrow('character 0');
    expect(() => renderXml(element('a', { b: '\u001b[31m' }))).toThrow('character 27');
  });

  it('reads entities, comments, CDATA and a declaration', () => {
    const read = parseXml(
      `<?xml version="1.0"?>\n<!-- <no/> -->\n<a x='&lt;&#65;&#x42;'>1<![CDATA[<2>]]>&amp;<b/><b y="2"/></a>\n`,
    );
    expect(read.attributes).toEqual({ x: '<AB' });
    expect(read.text).toBe('1<2>&');
    expect(childrenNamed(read, 'b').map((each) => each.attributes)).toEqual([{}, { y: '2' }]);
  });

  it.each(['', '<a>', '<a></b>', '<a/><b/>', '<a b=c/>', '<!DOCTYPE a><a/>', '<a', '</a>', '<a>&'])(
    'refuses %j, which is not well-formed or has a document type',
    (document) => {
      expect(() => parseXml(document)).toThrow('not well-formed');
    },
  );

  it('reads a large document in time that grows with its size', () => {
    const document = `<a>${'<b c="d">text</b>'.repeat(20_000)}</a>`;
    const before = performance.now();
    expect(parseXml(document).children).toHaveLength(20_000);
    expect(performance.now() - before).toBeLessThan(3_000);
  });
});
