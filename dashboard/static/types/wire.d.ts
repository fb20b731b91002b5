/** The contract with the server, as the browser reads it. Times are integer microseconds. */
export type Role = 'agent' | 'supervisor' | 'telemarketer' | 'manager' | 'admin';
export type Availability = 'available' | 'break' | 'wrap_up' | 'offline';
export type Activity = 'idle' | 'ringing' | 'talking' | 'on_hold' | 'dialling' | 'unreachable';
export type Match = 'one' | 'several' | 'none' | 'anonymous' | 'late';

export interface Me { username: string; name: string; role: Role; agent: string; queues: string[] }
export interface LiveMe extends Me {
  availability: Availability; reason?: string; since: number; until?: number;
  activity: Activity; activity_since: number;
}
export interface Customer {
  id: number; name: string; status?: string; tier?: string; segment?: string; company?: string;
  owner_name?: string; owner_extension?: string; owner_mobile?: string;
  language?: string; value?: number; open_complaint?: boolean; open_deal?: boolean;
  phones?: { number: string; label?: string }[]; created_at?: number;
}
export interface PastContact {
  call_id: string; at: number; direction: string; outcome: string; agent?: string; queue?: string;
  talked?: number; note?: string; result?: string;
}
export interface CustomerNote { id: number; at: number; author: string; text: string }
export interface Pop {
  number: string; match: Match; customer?: Customer | null; candidates?: Customer[];
  contacts?: PastContact[]; notes?: CustomerNote[];
}
export interface Disposition {
  note: string; topic?: string; result?: string; customer_id?: number | null; saved_at?: number;
}
export interface LiveCall {
  call_id: string; phase: 'ringing' | 'talking' | 'on_hold' | 'ended'; since: number;
  offered_at?: number; answered_at?: number; ended_at?: number; direction: string; number: string;
  caller_number?: string; did?: string; queue?: string; waited?: number; path?: string[];
  why?: string; recording?: { id: string; state: string; reason?: string; until?: number } | null;
  pop?: Pop | null; disposition?: Disposition | null; muted?: boolean; consults?: string;
  handed?: { by: string; at: number; note: string } | null;
}
export interface Term { label: string; seconds: number }
export interface Waiting {
  call_id: string; joined_at: number; virtual_join: number; label?: string; terms?: Term[];
  urgency?: number; target?: number; ceiling?: number; held?: string;
  placed?: 'front' | 'end'; placed_at?: number; placed_by?: string; placed_why?: string;
  switch?: string;
  number?: string; name?: string; tier?: string; match?: Match; offered?: boolean;
}
export interface AgentRow {
  name: string; availability: Availability; reason?: string; activity: Activity; since: number;
  call_id?: string; number?: string; name_of_customer?: string;
}
/** The link to one switch (one PBX); `first`: the one that agents' names do not name. */
export interface Link { up: boolean; since: number; reason?: string; first: boolean }
export interface View {
  me: LiveMe;
  links: Record<string, Link>;
  today: { calls: number; talked: number; missed: number };
  call?: LiveCall | null;
  queues: Record<string, { waiting?: Record<string, Waiting> }>;
  agents: Record<string, AgentRow>;
}
export interface CallbackRow {
  callback_id: string; number: string; name: string; queue: string; reason: string; asked_by: string;
  state: 'requested' | 'due' | 'calling' | 'done' | 'failed' | 'cancelled';
  requested_at: number; attempts: number; not_before: number; call_id: string; called_as: string;
}
export interface RecordingRow {
  id: string; call_id: string; agent: string; started_at: number; seconds: number;
  state: 'recording' | 'checking' | 'stored' | 'failed'; reason?: string;
  transcript: 'none' | 'pending' | 'ready' | 'failed'; sha256?: string;
}
/** A place in a recording (seconds), and whether it is to be played at once. */
export interface Moment { recording: string; at: number; play: boolean }
export interface Hit {
  speaker: 'agent' | 'customer'; start: number; pieces: { text: string; hit: boolean }[];
  before: boolean; after: boolean;
}
export interface Found {
  recording: RecordingRow; queue: string; agent_name: string; number: string; topic: string; result: string;
  customer?: { id: number; name: string; tier?: string; status?: string } | null; hits: Hit[]; places: number;
}
export interface CallRow {
  call_id: string; calls?: string[]; arrived_at: number; answered_at?: number | null; ended_at?: number | null;
  direction: string; outcome: string; number: string; caller_number?: string;
  customer?: { id: number; name: string; tier?: string; status?: string } | null;
  queue?: string; agent?: string; agent_name?: string; waited?: number; talked?: number;
  path?: string[]; why?: string; note?: string; topic?: string; result?: string; note_by?: string;
  reconstructed?: boolean; recordings?: RecordingRow[];
}
export interface Step { seq: number; at: number; type: string; text: string; reconstructed?: boolean }
export interface LadderLane { id: string; kind: 'customer' | 'ivr' | 'queue' | 'agent'; name: string }
export interface LadderBar {
  lane: string; kind: 'leg' | 'menu' | 'wait' | 'offer' | 'talk' | 'hold' | 'recording';
  first: number; last: number | null; began: number; ended: number | null; end: string;
}
export interface LadderRung {
  seq: number; at: number; type: string; text: string; lane: string; to: string;
  reconstructed?: boolean;
}
export interface Ladder {
  call_id: string; lanes: LadderLane[]; rungs: LadderRung[]; bars: LadderBar[];
}
export interface PlaceRow {
  call_id: string; rank: number; of: number; waited: number; label: string; terms: Term[];
  sentence: string; policy: string; must_be_served: boolean;
  placed: string; placed_by: string; placed_why: string;
}
export interface Why {
  call_id: string; switch: string; queue: string; at: number; place: PlaceRow;
  before: PlaceRow[]; behind: PlaceRow[]; last_move: string; moved_at: number | null;
}
export interface RawMessages { hours: number; messages: { at: number; text: string }[]; more: boolean }
export interface Word { word: string; start: number; end: number; confidence?: number }
export interface Segment {
  speaker: 'agent' | 'customer'; start: number; end: number; text: string; words?: Word[];
}
export interface TranscriptDoc {
  recording_id: string; engine: string; language: string; segments: Segment[];
}
export interface Peaks {
  custody: 'intact' | 'changed' | 'missing';
  seconds: number; peaks_per_second: number; customer: number[]; agent: number[];
}
export interface User {
  username: string; name: string; role: Role; agent: string; queues: string[]; active: boolean;
}
export type Frame =
  | { type: 'snapshot'; seq: number; at: number; view: View }
  | { type: 'delta'; seq: number; prev: number; at: number; patch: unknown }
  | { type: 'pong'; at: number };

/** The policy lab. A mean and half of its 95 % interval; null: nobody knows. */
export type Mean = [number | null, number | null];
export interface PolicyProblem { line: number; key: string; reason: string; cure: string }
export interface LabVersion { at: number; title: string; author: string; restored: number }
export interface LabLoad { name: string; about: string; callers: number; agents: number; hours: number; occupancy: number }
export interface TrialClass { name: string; target: number; weight: number }
export interface Contender {
  name: string; occupancy: Mean; cost: Mean; cost_against: Mean;
  classes: Record<string, { figures: Record<string, Mean>; against: Record<string, Mean>; longer: number[] }>;
}
export interface TrialResult {
  days: number; callers: number; classes: TrialClass[]; curve_seconds: number[];
  contenders: Contender[]; recorded: Record<string, Record<string, number | null>>;
}
export interface Trial {
  id: string; by: string; at: number; on: string; title: string; against: string; state: 'running' | 'done' | 'failed' | 'cancelled';
  done: number; of: number; reason: string; result: TrialResult | null;
}
export interface Lab {
  policy: { title: string; text: string; problems: PolicyProblem[] };
  loads: LabLoad[]; loads_reason: string; versions: LabVersion[]; may_publish: boolean;
  trial: Trial | null; most_days: number; first_call: number; last_call: number;
}
