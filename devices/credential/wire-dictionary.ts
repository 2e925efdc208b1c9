/**
 * What nearly every batch says, which the packed form need not say again (wire-pack.ts). Both
 * halves must have the very same bytes: a change is a new form with another first byte. The most
 * frequent text stands last, where references to it are shortest (RFC 1950 §2.2, RFC 1951 §3.2.5).
 */
export const wireDictionary = [
  '"bl:enrolment":{"id":"urn:uuid:","digestMultibase":"uEi"},"bl:losses":[{"bl:from":"2026-',
  '","bl:to":"2026-","bl:count":,"bl:cause":"absent","timeout","refused","nonsense","queue-full",',
  '"storage-full","not-running","damaged","bl:points":["bl:suppressed":',
  '"bl:deviceClock":"jumped","wrong","stuck","bl:serverTime":"2026-',
  '"stringValue":"","bl:valueType":"xsd:integer","booleanValue":false,"booleanValue":true,',
  '"bl:quality":"uncertain","bl:quality":"bad","bl:quality":"forced","bl:quality":"estimated",',
  '"bl:quality":"archived","bl:status":"sentinel","bl:status":"nan","exception":"ERROR_CONDITION"',
  '"Mass","Density","Pressure","Volume","VolumetricFlux","Percentage","Count","Time","Length",',
  '"VolumeFraction","RelativeHumidity","Voltage","Power","Speed","Latitude","Longitude",',
  '"Dimensionless","bl:Text","bl:Boolean","bl:State","bl:Identifier","Temperature",',
  '{"alg":"EdDSA","typ":"vc+sd-jwt","cty":"vc","kid":"did:key:z6Mk#z6Mk"}',
  '{"_sd_alg":"sha-256","...":"',
  '{"alg":"ES256","typ":"vc+jwt","cty":"vc","kid":"did:key:zDna#zDna"}\u0000',
  '{"@context":["https://www.w3.org/ns/credentials/v2",',
  '"https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld",',
  '"https://w3id.org/bondline/v1"],"id":"urn:uuid:","type":["VerifiableCredential",',
  '"SensorBatchCredential"],"issuer":"did:key:zDna","validFrom":"2026-01-01T00:00:00.000Z",',
  '"relatedResource":[{"id":"urn:uuid:","digestMultibase":"uEi"}],"credentialSubject":{',
  '"type":"ObjectEvent","eventID":"urn:uuid:","eventTime":"2026-","eventTimeZoneOffset":"+00:00",',
  '"action":"OBSERVE","bizStep":"sensor_reporting","epcList":["did:web:"],"readPoint":{"id":',
  '"did:web:/facility/"},"bl:gateway":"did:key:zDna","bl:epoch":{"bl:counter":1,"bl:nonce":"",',
  '"bl:follows":"uEi"},"bl:sequence":1,"bl:profile":{"bl:name":"","digestMultibase":"uEi"},',
  '"bl:configuration":"uEi","bl:clock":{"bl:source":"ntp","bl:toldBy":"chrony","timesyncd",',
  '"configuration","unknown","bl:offsetMs":-0.,"bl:uncertaintyMs":,"bl:monotonicMs":,',
  '"bl:steps":0},"sensorElementList":[{"sensorMetadata":{"time":"2026-01-01T00:00:00.000Z",',
  '"deviceID":"did:key:zDna","bl:gatewayTime":"2026-","bl:about":"did:web:"},"sensorReport":[',
  '{"type":"bl:Text","hexBinaryValue":"","bl:point":""},{"type":"Dimensionless","value":0,',
  '"uom":"C62","hexBinaryValue":"00000000","bl:point":""},{"type":"Temperature","value":1.5,',
  '"uom":"CEL","hexBinaryValue":"41480000","bl:point":"',
].join('');
