import { inputFormatNames } from './formats.ts';

/** What people send in a picture's place. */
interface Foreign {
  /** One of these is how it begins, byte by byte. */
  readonly begins?: readonly string[];
  /** Or its first bytes, as latin1, look like this. */
  readonly looks?: RegExp;
  /** With its article. */
  readonly name: string;
  /** How to send it. */
  readonly remedy: string;
}

const exported = 'Export it as JPEG or PNG and send that.';
const drawn = 'Export it as PNG, in the size that you want, and send that.';
const developed = 'Develop it in a photo editor, export it as JPEG and send that.';
const decoded = 'Send the bytes that it encodes.';

/** The first that fits counts. */
const foreigners: readonly Foreign[] = [
  // What HEIC, AVIF and videos have in common stands in their first box, behind its length.
  {
    looks: /^[^]{4}ftyp[^]{0,48}(hei[cxms]|hev[cxms])/,
    name: 'a HEIC picture, as iPhones take them',
    remedy:
      'On the iPhone choose Settings › Camera › Formats › Most Compatible to take JPEG, or export the picture as JPEG and send that.',
  },
  { looks: /^[^]{4}ftyp(mif1|msf1|miaf)/, name: 'a HEIF picture without AVIF', remedy: exported },
  { looks: /^[^]{4}ftypcrx /, name: 'a camera’s raw picture', remedy: developed },
  {
    looks: /^([^]{4}ftyp|RIFF[^]{4}AVI )/,
    name: 'a video',
    remedy: 'Send a still of it as JPEG or PNG.',
  },
  {
    begins: ['\x1aE\xdf\xa3', 'FLV\x01'],
    name: 'a video',
    remedy: 'Send a still of it as JPEG or PNG.',
  },
  { begins: ['\xff\x0a', '\0\0\0\x0cJXL '], name: 'a JPEG XL picture', remedy: exported },
  { begins: ['\0\0\0\x0cjP  ', '\xff\x4f\xff'], name: 'a JPEG 2000 picture', remedy: exported },
  { looks: /^II\*[^]{5}CR/, name: 'a camera’s raw picture', remedy: developed },
  { begins: ['FUJIFILMCCD-RAW', 'IIU\0'], name: 'a camera’s raw picture', remedy: developed },
  {
    begins: ['II*\0', 'MM\0*', 'II+\0', 'MM\0+'],
    name: 'a TIFF picture, or a camera’s raw one',
    remedy: exported,
  },
  { looks: /^BM[^]{4}\0{4}/, name: 'a BMP picture', remedy: exported },
  { begins: ['8BPS'], name: 'a Photoshop document', remedy: exported },
  { begins: ['gimp xcf'], name: 'a GIMP document', remedy: exported },
  { begins: ['\0\0\x01\0', '\0\0\x02\0'], name: 'an icon', remedy: exported },
  { begins: ['#?RADIANCE', 'v/1\x01'], name: 'a picture in HDR', remedy: exported },
  { looks: /^P[1-7]\s/, name: 'a portable bitmap (PNM)', remedy: exported },
  { begins: ['%PDF-'], name: 'a PDF document', remedy: 'Export the page as PNG and send that.' },
  { begins: ['%!PS', '\xc5\xd0\xd3\xc6'], name: 'a PostScript document', remedy: drawn },
  {
    begins: ['PK\x03\x04', '\x1f\x8b', 'Rar!', "7z\xbc\xaf'\x1c"],
    name: 'an archive, or a document of an office',
    remedy: 'Take the picture out of it and send that.',
  },
  {
    looks: /^\s*<(!doctype\s+html|html|head|body)\b/i,
    name: 'a web page',
    remedy: 'Send the picture itself, not the page that shows it.',
  },
  { looks: /^\s*<[^]*?\bsvg\b/i, name: 'an SVG drawing', remedy: drawn },
  { looks: /^data:image\//, name: 'a data URL', remedy: decoded },
  {
    begins: ['/9j/', 'iVBORw0KGgo', 'UklGR', 'R0lGOD'],
    name: 'a picture as base64 text',
    remedy: decoded,
  },
  {
    looks: /^https?:\/\//,
    name: 'the address of a picture',
    remedy: 'Download the picture and send that.',
  },
];

/** As much of a file is looked at: drawings may begin with comments. */
const headBytes = 1024;

/** Says of a file that is no picture of a type we take what it seems to be, and how to send it. */
export function describeForeign(bytes: Buffer): string {
  const send = `Send ${inputFormatNames}.`;
  if (bytes.length === 0) return `The file is empty: no picture was chosen. ${send}`;
  const head = bytes.toString('latin1', 0, headBytes).replace(/^\xef\xbb\xbf/, '');
  const foreign = foreigners.find(
    ({ begins, looks }) =>
      begins?.some((begin) => head.startsWith(begin)) === true || looks?.test(head),
  );
  if (!foreign) return `The file is not a picture of a type we take. ${send}`;
  return `The file is ${foreign.name}, which is not taken here. ${foreign.remedy} Taken are ${inputFormatNames}.`;
}
