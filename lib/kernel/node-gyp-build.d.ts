declare module 'node-gyp-build' {
  /** Loads the addon of the package in `folder`. */
  export default function load(folder: string): unknown;
}
