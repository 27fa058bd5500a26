import { Namespace } from './namespace';

/** Sysctls set to 0, so that addresses are usable at once and packets may arrive at any device. */
const PLAIN_ROUTING = [
  'net.ipv6.conf.all.accept_dad',
  'net.ipv6.conf.default.accept_dad',
  'net.ipv4.conf.all.rp_filter',
  'net.ipv4.conf.default.rp_filter',
];

/** Hosts that are disposed of together. */
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
