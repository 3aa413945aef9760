// Parts that few runs need, loaded at the first need.

/**
 * Loads once, and again only when that failed. (Node keeps some 250 bytes for every evaluation of an import(), though the
 * module is there: measured on 20.20, and no run of thousands should pay that.)
 */
export function lazy<T>(load: () => Promise<T>): () => Promise<T> {
  let loaded: Promise<T> | undefined;
  return () => {
    loaded ??= load().catch((error: unknown) => {
      loaded = undefined;
      throw error;
    });
    return loaded;
  };
}
