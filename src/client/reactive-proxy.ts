/**
 * Leads from a reactive proxy of an object, such as Vue 3's, back to the object. The value is a function because such
 * proxies wrap objects that are read through them but return functions unchanged.
 */
export const BARE: unique symbol = Symbol();

/** An object that applications may keep in reactive state. */
interface Proxied {
  readonly [BARE]: () => object;
}

/** The last proxy through which each object was called. The framework notices changes made through it. */
const proxies = new WeakMap<object, object>();

/** The object behind `value`, if `value` is a proxy of an SDK object. */
function bare<T>(value: T): T {
  return isProxied(value) ? (value[BARE]() as T) : value;
}

function isProxied(value: unknown): value is Proxied {
  return typeof value === 'object' && value !== null && BARE in value;
}

/**
 * Makes methods and accessors of a class work on proxies, and with proxies as arguments. Without this, they fail,
 * because a proxy lacks the object's private members.
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

/** The proxy through which an object was last called. */
export function proxyOf<T extends object>(object: T): T | undefined {
  return proxies.get(object) as T | undefined;
}

/** Changes properties of an object in a way that a watching framework notices. */
export function show<T extends object>(object: T, change: Partial<T>, proxy = proxyOf(object)): void {
  if (proxy) Object.assign(proxy, change);
  // A read-only proxy ignores the assignment, so assign to the object, too.
  Object.assign(object, change);
}
