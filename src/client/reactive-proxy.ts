/**
 * Leads from a reactive proxy of an object, as Vue 3 makes them of whatever it holds, back to the object. A function, because
 * such proxies wrap the objects that are read through them, and hand functions on as they are.
 */
export const BARE: unique symbol = Symbol();

/** An object that applications may keep in reactive state. */
interface Proxied {
  readonly [BARE]: () => object;
}

/** The last proxy through which each object was called: what is changed through it is noticed. */
const proxies = new WeakMap<object, object>();

/** The object itself, if `value` may be a proxy of one of the SDK's. */
function bare<T>(value: T): T {
  return isProxied(value) ? (value[BARE]() as T) : value;
}

function isProxied(value: unknown): value is Proxied {
  return typeof value === 'object' && value !== null && BARE in value;
}

/**
 * Makes methods and accessors of a class work when they are called on a proxy, or get one: private members are only those of
 * the object itself.
 */
export function worksInProxies({ prototype }: { readonly prototype: object }): void {
  const properties = Object.getOwnPropertyDescriptors(prototype) as Record<string, PropertyDescriptor>;
  for (const [name, property] of Object.entries(properties)) {
    for (const part of ['value', 'get', 'set'] as const) {
      const work: unknown = property[part];
      if (name === 'constructor' || typeof work !== 'function') continue;
      property[part] = function (this: object, ...given: unknown[]): unknown {
        const object = bare(this);
        if (object !== this) proxies.set(object, this);
        return work.apply(object, given.map(bare));
      };
    }
  }
  Object.defineProperties(prototype, properties);
}

/** The proxy through which an object was called last. */
export function proxyOf<T extends object>(object: T): T | undefined {
  return proxies.get(object) as T | undefined;
}

/** Changes properties of an object where a framework that watches it notices. */
export function show<T extends object>(object: T, change: Partial<T>, proxy = proxyOf(object)): void {
  if (proxy) Object.assign(proxy, change);
  // A proxy may be one that changes nothing.
  Object.assign(object, change);
}
