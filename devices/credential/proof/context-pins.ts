/**
 * The JSON-LD contexts whose content is known: by the URL that names each, the SHA-256 of its
 * canonical JSON (RFC 8785). What a context says decides what a signed document means, so other
 * content under such a name is never used, and nothing is fetched. The content itself has its
 * publishers' licences and comes from the operator.
 */
export const contextPins: Readonly<Record<string, string>> = {
  'https://www.w3.org/2018/credentials/v1':
    'b01e671e873981f19a9102a9a57f666dbcaeb31b99e3e124378d143e71549247',
  'https://www.w3.org/ns/credentials/v2':
    'b463c8d6a066214123ddd9827b135e1b50e1fc73322cc52a9b12a4f1fc7d86cf',
  'https://www.w3.org/2018/credentials/examples/v1':
    '5bca9da34aefb4c5e0cd993e222e58827734e0928fda0210ee73413c43d6e5e5',
  'https://www.w3.org/ns/credentials/examples/v2':
    '8a675bead391be98e6054c4e07c41f73337508d398e07047344c5d349aa2dc58',
  'https://www.w3.org/ns/credentials/undefined-terms/v2':
    '3b11e1df8c618447e9f79f3737e3c30fc0841537eb95f36003742c633672bb9f',
  'https://w3id.org/security/data-integrity/v1':
    '9505bf85338a4c2121ad03992ac90061bc85d43bcfa34d9d47b779381cf08b5f',
  'https://w3id.org/security/data-integrity/v2':
    '7ba3c50acf2689d5e07927267343eb353249c7c22a9f2d00307cc970e855e305',
  'https://w3id.org/security/multikey/v1':
    'be20c3ee6af6e9c4102e66a85c26617831218e32216bdf050f870e389e737cdc',
  'https://w3id.org/security/jwk/v1':
    '38dd329a9a011facda06afc4ba43a121980eaedbd1f974268026d157926bc086',
  'https://www.w3.org/ns/did/v1':
    'a7e146c40fcec005d3f0f14ae745665f446da58d7914a9d8f733746686fad82b',
  'https://w3id.org/security/suites/ed25519-2020/v1':
    '2d1dbbda79af01db58142b221b60d808559cfdb19f185ffe1346de9e25e1c90f',
  'https://www.w3.org/ns/credentials/status/v1':
    'b2fcebfbaf4e6beae2be370fda8a5f9f99c28540c798a75a8cdccc0fb1a12492',
  'https://w3id.org/vc/status-list/2021/v1':
    '9768f9aa81ab6c3e2ad96b2d669eaba67afe13fff0140a853f1e3d313fab13b6',
  'https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld':
    'a3fbc1d0ad3ab013203c051b14423394f6153d758cc1d6ed669c19ba552d22da',
  'https://ref.gs1.org/standards/epcis/epcis-context.jsonld':
    'a3fbc1d0ad3ab013203c051b14423394f6153d758cc1d6ed669c19ba552d22da',
  'https://gs1.github.io/EPCIS/epcis-context.jsonld':
    'a3fbc1d0ad3ab013203c051b14423394f6153d758cc1d6ed669c19ba552d22da',
  'https://gs1.github.io/EPCIS/epcis-context-simple.jsonld':
    'c67732ab32b91690634167bb8e26665ebda23379787ed045056227edf8d4e101',
  'https://w3id.org/traceability/v1':
    'a2bbb127317751c4f570f8dc0187e44e21bf29bacf7a51547be5ddb4472c1a4e',
  'https://test.uncefact.org/vocabulary/untp/core/0.6.1/':
    '9fb37b7d0756c7833549383c55f72092963892bb48aa950608bc71e8a65a3d39',
  'https://test.uncefact.org/vocabulary/untp/dte/0.6.1/':
    'a90fd6ae1b46debb705c6241ab53525dfcb721eee41b03ca352670e96a6e2be3',
  'https://test.uncefact.org/vocabulary/untp/dia/0.6.1/':
    '2f20884c4cd6bc036ca2de8587b4973fcba25adad5979616a167ab62d0b7aefc',
  'https://test.uncefact.org/vocabulary/untp/dpp/0.6.1/':
    '22cb827f369374d13c1e8fbe0e7d015d5d8bcafab480f6105b44da66586e232c',
  'https://test.uncefact.org/vocabulary/untp/dfr/0.6.1/':
    '11578ff8bb46ed93df2afcae560bba5830b2e785f5f111e64b17be9be21d777b',
  'https://test.uncefact.org/vocabulary/untp/dcc/0.6.1/':
    '6b909403adb59001e77aa337ba22a1277c3d930718fb87e8c7f9c492b7d06b27',
};
