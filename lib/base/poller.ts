/**
 * Looks at sockets again and again, for what no event tells: one timer for all of them, each with
 * an interval of its own.
 */
const SLICE = 1; // ms that one turn of the event loop may take
const SHARE = 20; // a sweep is followed by so many times its own length without one

export interface Polled {
  /** Looks now, and says in how many milliseconds to look again; undefined: never. */
  look(): number | undefined;
}

interface Entry {
  due: number;
  /** Keeps the process alive. */
  ref: boolean;
}

const entries = new Map<Polled, Entry>();
let timer: NodeJS.Timeout | undefined;
let timerDue = Infinity;
let sweeping = false;
let restUntil = 0;
let refs = 0;

export function poll(looked: Polled, delay: number): void {
  const due = performance.now() + delay;
  const entry = entries.get(looked);
  if (entry) entry.due = due;
  else entries.set(looked, { due, ref: false });
  if (!sweeping && Math.max(due, restUntil) < timerDue) schedule(due);
}

export function stopPolling(looked: Polled): void {
  setRef(looked, false);
  entries.delete(looked);
  if (entries.size > 0 || sweeping) return;
  clearTimeout(timer);
  timerDue = Infinity;
}

/** Whether looking keeps the process alive; it does not unless told. */
export function setRef(looked: Polled, ref: boolean): void {
  const entry = entries.get(looked);
  if (!entry || entry.ref === ref) return;
  entry.ref = ref;
  refs += ref ? 1 : -1;
  keep(timer);
}

function keep(pending: NodeJS.Timeout | undefined): void {
  if (refs > 0) pending?.ref();
  else pending?.unref();
}

function schedule(due: number): void {
  clearTimeout(timer);
  timerDue = Math.max(due, restUntil);
  timer = setTimeout(
    () => {
      sweeping = true;
      sweep(entries.entries(), 0);
    },
    Math.max(1, timerDue - performance.now()),
  );
  keep(timer);
}

function sweep(rest: IterableIterator<[Polled, Entry]>, before: number): void {
  const start = performance.now();
  for (let next = rest.next(); !next.done; next = rest.next()) {
    const [looked, entry] = next.value;
    if (entry.due <= start) lookNow(looked, entry);
    const spent = performance.now() - start;
    if (spent < SLICE) continue;
    timer = setTimeout(sweep, 0, rest, before + spent); // setImmediate() wakes no loop without ref
    keep(timer);
    return;
  }
  sweeping = false;
  const now = performance.now();
  restUntil = now + SHARE * (before + now - start);
  let due = Infinity;
  for (const entry of entries.values()) due = Math.min(due, entry.due);
  timerDue = Infinity;
  if (entries.size > 0) schedule(due);
}

function lookNow(looked: Polled, entry: Entry): void {
  try {
    const again = looked.look();
    if (again === undefined) stopPolling(looked);
    else entry.due = performance.now() + again;
  } catch (error) {
    stopPolling(looked);
    process.nextTick(() => {
      throw error; // takes nothing from the others
    });
  }
}
