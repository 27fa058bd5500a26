/** Tests listeners, loops and queues of event streams. */
import {
  type EventSink,
  type EventSource,
  EventStream,
  type OverrunEvent,
} from '../../../lib/base/event-stream';

type Event = { type: 'number'; number: number } | OverrunEvent;

/** A source whose state is the last number. */
class Numbers implements EventSource<Event> {
  sink!: EventSink<Event>;
  last = 0;
  readonly ref = jest.fn();
  readonly unref = jest.fn();
  readonly close = jest.fn(() => Promise.resolve());

  readonly open = (sink: EventSink<Event>): this => {
    this.sink = sink;
    return this;
  };

  remember(): () => Event[] {
    const before = this.last;
    return () => (before === this.last ? [] : [{ type: 'number', number: this.last }]);
  }

  emit(...numbers: number[]): void {
    for (const number of numbers) {
      this.last = number;
      this.sink.deliver([{ type: 'number', number }]);
    }
  }
}

const number = (value: number) => ({ type: 'number', number: value });

describe('an event stream', () => {
  let source: Numbers;
  beforeEach(() => (source = new Numbers()));

  async function read(stream: EventStream<Event>, count: number): Promise<unknown[]> {
    const events = [];
    for (let i = 0; i < count; i++) events.push((await stream.next()).value);
    return events;
  }

  test('a loop gets the events that came before it, in order', async () => {
    const stream = new EventStream(source.open, {});
    source.emit(1, 2);
    const all = read(stream, 3);
    source.emit(3);
    expect(await all).toEqual([number(1), number(2), number(3)]);
  });

  test('a full queue is an overrun with what was lost, then the difference', async () => {
    const stream = new EventStream(source.open, { queue: 2 });
    source.emit(1, 2, 3, 4, 5);
    expect(await read(stream, 4)).toEqual([
      ...[number(1), number(2)],
      { type: 'overrun', lost: 3 },
      number(5),
    ]);
    source.emit(6);
    expect(await read(stream, 1)).toEqual([number(6)]);
  });

  test('a full queue that lost nothing is no overrun', async () => {
    const stream = new EventStream(source.open, { queue: 2 });
    source.emit(1, 2);
    expect(await read(stream, 2)).toEqual([number(1), number(2)]);
    source.emit(3);
    expect(await read(stream, 1)).toEqual([number(3)]);
  });

  test('listeners alone fill no queue', () => {
    const stream = new EventStream(source.open, { queue: 1 });
    const listener = jest.fn();
    stream.on('number', listener);
    source.emit(1, 2, 3);
    expect(listener.mock.calls).toEqual([[number(1)], [number(2)], [number(3)]]);
  });

  test('becomes ready, fails and ends', async () => {
    const stream = new EventStream(source.open, {});
    expect(source.ref).toHaveBeenCalledTimes(1);
    source.sink.ready();
    await stream.ready;
    expect(source.unref).toHaveBeenCalledTimes(1);
    source.emit(1);
    source.sink.fail(new Error('broken'));
    expect(await read(stream, 1)).toEqual([number(1)]);
    await expect(stream.next()).rejects.toThrow('broken');
    expect(await stream.next()).toEqual({ value: undefined, done: true });
    expect(source.close).toHaveBeenCalledTimes(1);
  });

  test('leaving the loop closes the stream', async () => {
    const stream = new EventStream(source.open, {});
    source.emit(1, 2);
    for await (const event of stream) {
      expect(event).toEqual(number(1));
      break;
    }
    expect(source.close).toHaveBeenCalledTimes(1);
  });

  test('an error is emitted where there are listeners and no loop', () => {
    const stream = new EventStream(source.open, {});
    stream.on('number', jest.fn());
    expect(() => source.sink.fail(new Error('broken'))).toThrow('broken');
  });
});
