/**
 * The fold: journal entries to twin states. It is pure but for the states that it fetches: the
 * same entries in the same order give the same states, and entries without conflicts give the
 * same in any order.
 */
import { limits } from '../devices/limits.ts';
import { readAct } from './act.ts';
import { enrolmentPayload } from './apply-payload.ts';
import { type FoldAccess, foldBatch, type ObservedTimes } from './fold-batch.ts';
import { putEnrolment, putIncident } from './fold-cells.ts';
import { decodeState } from './fold-codec.ts';
import {
  beginQuarantine,
  endQuarantines,
  putDoubtful,
  settleDoubtful,
  supersede,
} from './fold-doubt.ts';
import { foldCustodyAct, foldParty } from './fold-party.ts';
import { type EnrolmentRecord, emptyState, type TwinState, touch } from './fold-state.ts';
import type { Kind } from './kind.ts';
import type { Rule } from './rule.ts';
import type { EntryHeader, JournalEntry } from './store.ts';
import { type TwinKind, twinId } from './twin.ts';

/** What the fold knows of commodities, alerts and devices; registries list them. */
export interface FoldPlugins {
  readonly kinds: readonly Kind[];
  readonly rules: readonly Rule[];
  /** Points of registered profiles by the profile's digest. */
  readonly profilePoints: ReadonlyMap<string, ReadonlySet<string>>;
}

/** Where states come from that are not in memory. */
export interface StateSource {
  /** The text of a state, or `undefined` for a twin that does not exist. */
  load(id: string): string | undefined;
  /** Ids of twins with a deadline at or before `nowMs`, in a fixed order. */
  due(nowMs: number): readonly string[];
}

/** The entry at a position that was applied before, for acts that name it. */
export type EntryLookup = (position: number) => JournalEntry | undefined;

/** What came of one entry. */
export interface Folded {
  /** The gateway that delivered a batch, and when its elements were observed. */
  readonly gateway?: string;
  readonly observed: ObservedTimes;
}

const nothing: Folded = { observed: [] };

export class Fold implements FoldAccess {
  readonly plugins: FoldPlugins;
  readonly deviceKind: Kind;
  /** Time of the last tick; deadlines fire by it. */
  nowMs: number;
  /** JSON of the routes in force, where an entry changed them since it was last taken. */
  private routes: string | undefined;
  private readonly source: StateSource;
  private readonly entryAt: EntryLookup;
  /** Least recently used first. */
  private readonly states = new Map<string, TwinState>();
  private readonly changed = new Set<TwinState>();
  private readonly ids = new Map<string, string>();

  constructor(options: {
    plugins: FoldPlugins;
    source: StateSource;
    entryAt: EntryLookup;
    nowMs: number;
  }) {
    this.plugins = options.plugins;
    this.source = options.source;
    this.entryAt = options.entryAt;
    this.nowMs = options.nowMs;
    const deviceKind = options.plugins.kinds.find(({ name }) => name === 'device');
    if (deviceKind === undefined) throw new Error('the kind "device" is not registered');
    this.deviceKind = deviceKind;
  }

  /** Applies the next entry. All states before a `tick` must have been stored. */
  apply(entry: JournalEntry): Folded {
    switch (entry.header.kind) {
      case 'batch': {
        const { gateway } = entry.header;
        const observed = foldBatch(entry, this);
        return gateway === undefined ? { observed } : { gateway, observed };
      }
      case 'enrolment':
        this.foldEnrolment(entry);
        return nothing;
      case 'equivocation':
        this.foldIncident(entry, 'FORK');
        beginQuarantine(entry, this);
        return nothing;
      case 'doubtful':
        if (entry.header.code === 'IN_FORK') {
          this.foldIncident(entry, 'FORK');
          beginQuarantine(entry, this);
        }
        if (entry.header.code === 'IN_CLONED') {
          this.foldIncident(entry, 'CLONED');
          beginQuarantine(entry, this);
        }
        putDoubtful(entry, this);
        return nothing;
      case 'refusal':
        this.foldIncident(entry, 'REFUSED');
        return nothing;
      case 'rules':
        this.routes = Buffer.from(entry.bytes).toString('utf8');
        return nothing;
      case 'tick':
        this.foldTick(entry);
        return nothing;
      case 'party':
        foldParty(entry, this);
        return nothing;
      case 'act':
        this.foldAct(entry);
        return nothing;
      case 'organisation':
      case 'status':
      case 'refusals':
        // They change what is admitted, or tell of what was not; what was admitted stands.
        return nothing;
    }
  }

  /** The states that changed since this was last asked. */
  takeChanged(): TwinState[] {
    const changed = [...this.changed];
    this.changed.clear();
    for (const id of this.states.keys()) {
      if (this.states.size <= limits.applyTwinsMax) break;
      this.states.delete(id);
    }
    return changed;
  }

  /** JSON of the routes in force, when they changed since this was last asked. */
  takeRoutes(): string | undefined {
    const { routes } = this;
    this.routes = undefined;
    return routes;
  }

  open(tenant: string, kind: TwinKind, uri: string): TwinState {
    const id = this.idOf(tenant, kind, uri);
    const state = this.fetch(id) ?? emptyState(id, tenant, kind, uri);
    this.states.set(id, state);
    this.changed.add(state);
    return state;
  }

  find(tenant: string, kind: TwinKind, uri: string): TwinState | undefined {
    return this.fetch(this.idOf(tenant, kind, uri));
  }

  kindOf(uri: string): Kind | undefined {
    return this.plugins.kinds.find((kind) => kind.identify(uri) !== undefined);
  }

  pointsOf(profileDigest: string): ReadonlySet<string> | undefined {
    return this.plugins.profilePoints.get(profileDigest);
  }

  private idOf(tenant: string, kind: TwinKind, uri: string): string {
    const key = `${tenant}\n${kind}\n${uri}`;
    const known = this.ids.get(key);
    if (known !== undefined) return known;
    const id = twinId(tenant, kind, uri);
    if (this.ids.size >= limits.applyTwinsMax) this.ids.clear();
    this.ids.set(key, id);
    return id;
  }

  private fetch(id: string): TwinState | undefined {
    const held = this.states.get(id);
    if (held !== undefined) {
      this.states.delete(id);
      this.states.set(id, held);
      return held;
    }
    const text = this.source.load(id);
    if (text === undefined) return undefined;
    const state = decodeState(text);
    this.states.set(id, state);
    return state;
  }

  private foldEnrolment(entry: JournalEntry): void {
    const { header, position } = entry;
    const enrolment = enrolmentPayload(entry);
    const at = { position, receivedMs: header.receivedMs };
    const record = { digest: header.digest, position, enrolment };
    const device = this.open(header.tenant, 'device', enrolment.device);
    this.leaveOthers(device, record);
    putEnrolment(device, record, undefined);
    touch(device, at);
    supersede(enrolment, entry, this);
    const facility = this.open(header.tenant, 'facility', enrolment.facility.id);
    putEnrolment(facility, record, undefined);
    const held = facility.members.get(enrolment.device);
    const room = facility.members.size < limits.facilityDevicesMax;
    if (held === undefined ? room : held.position < position) {
      const { device: did, label } = enrolment;
      facility.members.set(did, { device: did, label, position });
    }
    touch(facility, at);
  }

  /** A device stands at one facility: where its newest enrolment says. */
  private leaveOthers(device: TwinState, { enrolment, position }: EnrolmentRecord): void {
    for (const { enrolment: other } of device.enrolments.values()) {
      if (other.facility.id === enrolment.facility.id) continue;
      const facility = this.find(device.tenant, 'facility', other.facility.id);
      const member = facility?.members.get(enrolment.device);
      if (facility === undefined || member === undefined || member.position > position) continue;
      facility.members.delete(enrolment.device);
      facility.position = Math.max(facility.position, position);
      this.changed.add(facility);
    }
  }

  /** What an act accepts takes effect now, at the place in its device's history that it has. */
  private foldAct(entry: JournalEntry): void {
    foldCustodyAct(entry, this);
    const act = readAct(entry.bytes);
    if (act === undefined) return;
    for (const position of act.accept) {
      const doubtful = this.entryAt(position);
      if (doubtful?.header.kind !== 'doubtful') continue;
      foldBatch(doubtful, this, entry.position);
      settleDoubtful(doubtful, entry, this);
    }
    if (act.act === 'officer') endQuarantines(act.lift, entry, this);
  }

  /** Evidence against a device; a stranger's bytes make no twin. */
  private foldIncident(entry: JournalEntry, code: 'FORK' | 'CLONED' | 'REFUSED'): void {
    const { header, position } = entry;
    if (header.batch === undefined) return;
    const device = this.find(header.tenant, 'device', header.batch.device);
    if (device === undefined) return;
    const at = { position, receivedMs: header.receivedMs };
    if (device.incidents.get(code)?.positions.includes(position)) return;
    putIncident(device, code, { ...at, reason: reasonOf(header) });
    touch(device, at);
    this.changed.add(device);
  }

  /** Time passed: twins whose deadline is over change their alerts. */
  private foldTick({ header, position }: JournalEntry): void {
    this.nowMs = Math.max(this.nowMs, header.receivedMs);
    for (const id of this.source.due(this.nowMs)) {
      const state = this.fetch(id);
      if (state === undefined) continue;
      state.position = Math.max(state.position, position);
      this.changed.add(state);
    }
  }
}

function reasonOf({ code, reason }: EntryHeader): string {
  return [code, reason].filter((part) => part !== undefined).join(': ');
}
