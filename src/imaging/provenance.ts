/** IPTC's word for a photograph of which a trained model has made something else. */
const sourceType =
  'http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia';

/**
 * What a result says of itself, as XMP: how it came about, and by what.
 * @param tool name and version of what made it
 */
export function provenanceXmp(tool: string): string {
  return (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">' +
    '<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/"' +
    ' xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"' +
    ` xmp:CreatorTool="${escape(tool)}" Iptc4xmpExt:DigitalSourceType="${sourceType}"/>` +
    '</rdf:RDF></x:xmpmeta>'
  );
}

const escape = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
