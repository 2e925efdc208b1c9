/** The configuration of a gateway whose one meter and whose ingester nobody reaches. */

/** Its text; `data` is relative to the file, as in every configuration. */
export function loneMeterConfig(options: {
  readonly data: string;
  /** DID of the ingester that is pinned. */
  readonly ingester: string;
}): string {
  const organisation = 'did:web:you.example';
  return `gateway: { name: test, organisation: '${organisation}', data: ${options.data} }
keys: { store: file, path: keys.json, passphraseFile: passphrase }
facility: ${organisation}/facility/one
uplink:
  sink: mqtt
  ingester: '${options.ingester}'
  connection: { url: 'mqtt://127.0.0.1:1' }
devices:
  - name: meter-1
    driver: modbus
    profile: reefer-controller
    connection: { host: 127.0.0.1, port: 1, unitId: 1 }
    everyMs: 60000
    goods: ${organisation}/container/
`;
}
