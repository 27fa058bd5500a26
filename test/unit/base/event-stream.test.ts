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

  tell(...numbers: number[]): void {
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

  async function take(stream: EventStream<Event>, count: number): Promise<unknown[]> {
    const taken = [];
    for (let i = 0; i < count; i++) taken.push((await stream.next()).value);
    return taken;
  }

  test('gives a loop what came before it, in order', async () => {
    const stream = new EventStream(source.open, {});
    source.tell(1, 2);
    const all = take(stream, 3);
    source.tell(3);
    expect(await all).toEqual([number(1), number(2), number(3)]);
  });

  test('a full queue is an overrun with what was lost, then the difference', async () => {
    const stream = new EventStream(source.open, { queue: 2 });
    source.tell(1, 2, 3, 4, 5);
    expect(await take(stream, 4)).toEqual([
      ...[number(1), number(2)],
      { type: 'overrun', lost: 3 },
      number(5),
    ]);
    source.tell(6);
    expect(await take(stream, 1)).toEqual([number(6)]);
  });

  test('a full queue that lost nothing is none', async () => {
    const stream = new EventStream(source.open, { queue: 2 });
    source.tell(1, 2);
    expect(await take(stream, 2)).toEqual([number(1), number(2)]);
    source.tell(3);
    expect(await take(stream, 1)).toEqual([number(3)]);
  });

  test('listeners alone fill no queue', () => {
    const stream = new EventStream(source.open, { queue: 1 });
    const heard = jest.fn();
    stream.on('number', heard);
    source.tell(1, 2, 3);
    expect(heard.mock.calls).toEqual([[number(1)], [number(2)], [number(3)]]);
  });

  test('is ready, fails and ends', async () => {
    const stream = new EventStream(source.open, {});
    expect(source.ref).toHaveBeenCalledTimes(1);
    source.sink.ready();
    await stream.ready;
    expect(source.unref).toHaveBeenCalledTimes(1);
    source.tell(1);
    source.sink.fail(new Error('broken'));
    expect(await take(stream, 1)).toEqual([number(1)]);
    await expect(stream.next()).rejects.toThrow('broken');
    expect(await stream.next()).toEqual({ value: undefined, done: true });
    expect(source.close).toHaveBeenCalledTimes(1);
  });

  test('leaving the loop closes it', async () => {
    const stream = new EventStream(source.open, {});
    source.tell(1, 2);
    for await (const event of stream) {
      expect(event).toEqual(number(1));
      break;
    }
    expect(source.close).toHaveBeenCalledTimes(1);
  });

  test('an error that only listeners could hear is emitted', () => {
    const stream = new EventStream(source.open, {});
    stream.on('number', jest.fn());
    expect(() => source.sink.fail(new Error('broken'))).toThrow('broken');
  });
});
