/**
 * Exact readings of the devices on a container. Where a map is our own (the profile's `source` says
 * so), so are the frames; TIC4.0 and DCSA messages have the published shape and our own values.
 */
import { describe, expect, it } from 'vitest';
import { doorSealSensor } from '../../../../devices/profiles/door-seal-sensor.ts';
import { positionTracker } from '../../../../devices/profiles/position-tracker.ts';
import { reeferController } from '../../../../devices/profiles/reefer-controller.ts';
import { reeferDcsa } from '../../../../devices/profiles/reefer-dcsa.ts';
import { reeferTic4 } from '../../../../devices/profiles/reefer-tic4.ts';
import { measure, planMeasurement } from '../../../../gateway/measure.ts';
import { FoldWorld } from '../../../support/fold-world.ts';
import { answered, GATEWAY_MS, published, told } from '../../../support/golden-profile.ts';
import { batchEntry, deviceDid, enrolmentEntry } from '../../../support/journal-entries.ts';

describe('TIC4.0 reefer messages', () => {
  const message = {
    ContainerID: 'MSKU9070323',
    Events: [
      { ContainerConnected: true, ContainerPowered: false, Time: 1_795_262_300 },
      { ContainerConnected: true, ContainerPowered: true, Time: 1_795_262_340 },
    ],
    MonitoringData: [
      {
        MonitoringTime: 1_795_262_400_000,
        SensorData: [
          {
            AmbientTemperature: 31.4,
            CO2: 4.9,
            Humidity: 88,
            O2: 5.1,
            ReturnTemperature: 4.7,
            SupplyTemperature: 4.1,
            USDA1: 4.3,
            USDA2: 4.4,
            USDA3: null,
          },
        ],
        SetpointData: {
          TemperatureSetpoint: 4,
          CO2Setpoint: 5,
          O2Setpoint: 5,
          HumiditySetpoint: 90,
        },
      },
    ],
  };

  it('are read without configuration, each part with its own time', () => {
    const set = published(reeferTic4, '', message);
    expect(set.missing).toBeUndefined();
    const goods = 'urn:epc:id:bic:MSKU9070323';
    expect(told(reeferTic4, set, goods)).toEqual([
      {
        time: '2026-11-21T12:00:00.000Z',
        about: goods,
        readings: [
          ['supplyAirTemperature', 4.1, 'CEL', 'good'],
          ['returnAirTemperature', 4.7, 'CEL', 'good'],
          ['ambientTemperature', 31.4, 'CEL', 'good'],
          ['usda1', 4.3, 'CEL', 'good'],
          ['usda2', 4.4, 'CEL', 'good'],
          ['usda3', undefined, 'CEL', 'bad', 'mqtt:null'],
          ['oxygen', 5.1, 'VP', 'good'],
          ['carbonDioxide', 4.9, 'VP', 'good'],
          ['humidity', 88, 'P1', 'good'],
          ['setPoint', 4, 'CEL', 'good'],
          ['oxygenSetPoint', 5, 'VP', 'good'],
          ['carbonDioxideSetPoint', 5, 'VP', 'good'],
          ['humiditySetPoint', 90, 'P1', 'good'],
        ],
      },
      {
        time: '2026-11-21T12:00:00.000Z',
        about: goods,
        readings: [['containerId', 'MSKU9070323', '', 'good']],
      },
      {
        time: '2026-11-21T11:58:20.000Z',
        about: goods,
        readings: [
          ['connected', true, '', 'good'],
          ['powered', false, '', 'good'],
        ],
      },
      {
        time: '2026-11-21T11:59:00.000Z',
        about: goods,
        readings: [
          ['connected', true, '', 'good'],
          ['powered', true, '', 'good'],
        ],
      },
    ]);
  });

  it('need not have every part', () => {
    const { samples, missing } = published(reeferTic4, '', {
      MonitoringData: [
        { MonitoringTime: '2026-11-21T12:00:00Z', SensorData: { SupplyTemperature: -18.25 } },
      ],
    });
    expect(samples).toMatchObject([
      { point: 'supplyAirTemperature', sourceTimeMs: GATEWAY_MS, quality: 'good' },
    ]);
    expect(missing).toBeUndefined();
    expect(published(reeferTic4, '', { temperature: 4 }).missing?.cause).toBe('nonsense');
  });
});

describe('DCSA events', () => {
  const measured = (more = {}) => ({
    metadata: { eventType: 'REEFER' },
    payload: {
      eventClassifierCode: 'ACT',
      eventDateTime: '2026-11-21T13:30:00+02:00',
      reeferEventTypeCode: 'MEAS',
      measurements: {
        ambientTemperature: 31,
        temperature: -17.5,
        temperatureUnit: 'CEL',
        humidity: 81,
        airExchange: 12,
        airExchangeUnit: 'MQH',
      },
      setpoints: { temperature: -18, temperatureUnit: 'CEL' },
      geoLocation: { latitude: 31.3404, longitude: -110.9342 },
      equipmentReference: 'MSKU9070323',
      ...more,
    },
  });
  const opened = {
    metadata: { eventType: 'IOT' },
    payload: {
      eventClassifierCode: 'ACT',
      eventDateTime: '2026-11-21T11:45:00Z',
      iotEventTypeCode: 'DETC',
      iotEventCode: 'DRO',
      equipmentReference: 'MSKU9070323',
    },
  };
  const reeferReadings = [
    ['cargoSpaceTemperature', -17.5, 'CEL', 'good'],
    ['ambientTemperature', 31, 'CEL', 'good'],
    ['humidity', 81, 'P1', 'good'],
    ['airExchange', 12, 'MQH', 'good'],
    ['setPoint', -18, 'CEL', 'good'],
    ['latitude', 31.3404, 'DD', 'good'],
    ['longitude', -110.9342, 'DD', 'good'],
    ['containerId', 'MSKU9070323', '', 'good'],
    ['reeferEvent', 'MEAS', '', 'good'],
  ];

  it('are read without configuration, one in a message', () => {
    expect(told(reeferDcsa, published(reeferDcsa, '', measured()))).toEqual([
      { time: '2026-11-21T11:30:00.000Z', readings: reeferReadings },
    ]);
  });

  it('are read in an array, reefer and door', () => {
    expect(told(reeferDcsa, published(reeferDcsa, '', [measured(), opened]))).toEqual([
      { time: '2026-11-21T11:30:00.000Z', readings: reeferReadings },
      { time: '2026-11-21T11:45:00.000Z', readings: [['doorEvent', 'DRO', '', 'good']] },
    ]);
  });

  it('that only are planned say nothing that happened', () => {
    const set = published(reeferDcsa, '', measured({ eventClassifierCode: 'PLN' }));
    expect(set.samples).toEqual([]);
    expect(set.missing?.cause).toBe('nonsense');
  });

  it('in degrees Fahrenheit give no number of degrees Celsius', () => {
    const measurements = { temperature: 40, temperatureUnit: 'FAH', humidity: 80 };
    const set = published(reeferDcsa, '', measured({ measurements, setpoints: {} }));
    expect(told(reeferDcsa, set)[0]?.readings.slice(0, 2)).toEqual([
      ['cargoSpaceTemperature', undefined, 'CEL', 'bad', 'mqtt:unit-is-FAH'],
      ['humidity', 80, 'P1', 'good'],
    ]);
  });
});

describe('a reefer controller', () => {
  it('gives readings of its registers in tenths', () => {
    const frame = `
      ffb0 ffb3 ffb9 0139 7fff 7fff 7fff 0370 7fff 7fff
      01b8 0258 0001e240 0002 0000 0000 0000 0000 0000 0003`;
    expect(told(reeferController, answered(reeferController, 0, frame))).toEqual([
      {
        time: '2026-11-21T12:00:00.000Z',
        readings: [
          ['setPoint', -8, 'CEL', 'good'],
          ['supplyAirTemperature', expect.closeTo(-7.7, 9), 'CEL', 'good'],
          ['returnAirTemperature', expect.closeTo(-7.1, 9), 'CEL', 'good'],
          ['ambientTemperature', expect.closeTo(31.3, 9), 'CEL', 'good'],
          ['usda1', undefined, 'CEL', 'bad', 'sentinel'],
          ['usda2', undefined, 'CEL', 'bad', 'sentinel'],
          ['usda3', undefined, 'CEL', 'bad', 'sentinel'],
          ['humidity', 88, 'P1', 'good'],
          ['oxygen', undefined, 'VP', 'bad', 'sentinel'],
          ['carbonDioxide', undefined, 'VP', 'bad', 'sentinel'],
          ['supplyVoltage', 440, 'VLT', 'good'],
          ['supplyFrequency', 60, 'HTZ', 'good'],
          ['runHours', 123_456, 'HUR', 'good'],
          ['alarmCount', 2, 'C62', 'good'],
          ['powered', true, '', 'good'],
          ['compressorRunning', true, '', 'good'],
          ['defrosting', false, '', 'good'],
          ['doorOpen', false, '', 'good'],
        ],
      },
    ]);
  });
});

describe('a door and seal sensor', () => {
  it('tells door, seal and tampering, and may leave the rest out', () => {
    const set = published(
      doorSealSensor,
      'events',
      '{"time":"2026-11-21T11:00:00Z","door":{"open":true},"seal":{"intact":false,"number":"US0042137"},"tamper":false,"battery":3.60}',
    );
    expect(set.missing).toBeUndefined();
    expect(told(doorSealSensor, set)).toEqual([
      {
        time: '2026-11-21T11:00:00.000Z',
        readings: [
          ['doorOpen', true, '', 'good'],
          ['sealIntact', false, '', 'good'],
          ['tamper', false, '', 'good'],
          ['sealNumber', 'US0042137', '', 'good'],
          ['batteryVoltage', 3.6, 'VLT', 'good'],
        ],
      },
    ]);
  });

  it('without its seal is not complete', () => {
    const set = published(doorSealSensor, 'events', '{"door":{"open":false},"tamper":false}');
    expect(set.missing).toEqual({ points: ['sealIntact', 'sealNumber'], cause: 'nonsense' });
  });
});

describe('a position tracker', () => {
  const fixes =
    '{"fixes":[{"t":1795262280000,"lat":31.3404,"lon":-110.9342,"acc":6,"spd":83.5,"hdg":12.5,"q":1,"sat":9},{"t":1795262340000,"lat":null,"lon":null,"q":0}]}';

  it('gives each fix its own time, and no coordinates where it had none', () => {
    const set = published(positionTracker, 'fixes', fixes);
    expect(set.missing).toBeUndefined();
    expect(told(positionTracker, set)).toEqual([
      {
        time: '2026-11-21T11:58:00.000Z',
        readings: [
          ['latitude', 31.3404, 'DD', 'good'],
          ['longitude', -110.9342, 'DD', 'good'],
          ['accuracyM', 6, 'MTR', 'good'],
          ['speed', 83.5, 'KMH', 'good'],
          ['heading', 12.5, 'DD', 'good'],
          ['fixQuality', 1, 'C62', 'good'],
          ['satellites', 9, 'C62', 'good'],
        ],
      },
      {
        time: '2026-11-21T11:59:00.000Z',
        readings: [
          ['latitude', undefined, 'DD', 'bad', 'mqtt:null'],
          ['longitude', undefined, 'DD', 'bad', 'mqtt:null'],
          ['fixQuality', 0, 'C62', 'good'],
        ],
      },
    ]);
  });

  it('moves the twin of its container to the last fix, not to where it had none', () => {
    const goods = 'urn:epc:id:bic:MSKU9070323';
    const set = published(positionTracker, 'fixes', fixes);
    const groups = measure(set, planMeasurement(positionTracker, goods), new Map());
    const device = deviceDid('tracker');
    const place = new FoldWorld()
      .apply([
        enrolmentEntry({ position: 0, device, goods: [goods] }),
        batchEntry({ position: 1, device, sequence: 1, groups, receivedMs: GATEWAY_MS }),
      ])
      .twin('container', goods).place;
    expect(place).toMatchObject({
      kind: 'point',
      latitude: 31.3404,
      longitude: -110.9342,
      accuracyM: 6,
      basis: 'observed',
      observedMs: Date.UTC(2026, 10, 21, 11, 58),
    });
  });
});
