import { Namespace } from './namespace';

/** Whatever the machine's defaults are: addresses at once, and packets by any device. */
const PLAIN_ROUTING = [
  'net.ipv6.conf.all.accept_dad',
  'net.ipv6.conf.default.accept_dad',
  'net.ipv4.conf.all.rp_filter',
  'net.ipv4.conf.default.rp_filter',
];

/** Hosts that go together. */
export abstract class Network implements AsyncDisposable {
  protected readonly namespaces: Namespace[] = [];

  async dispose(): Promise<void> {
    await Promise.all(this.namespaces.map((namespace) => namespace.dispose()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  protected host(label: string): Namespace {
    const namespace = new Namespace(label);
    this.namespaces.push(namespace);
    for (const name of PLAIN_ROUTING) namespace.sysctl(name, 0);
    return namespace;
  }
}
