/** Environment variables for processes that are started meanwhile, and for nobody else. */

/** Sets them, runs the action to the end of its promise if it has one, and puts back what was. */
export function withVariables<T>(variables: Readonly<Record<string, string>>, action: () => T): T {
  const { env } = process;
  const names = Object.keys(variables);
  const before = new Map(names.map((name) => [name, env[name]]));
  const restore = () => {
    for (const [name, value] of before) {
      if (value === undefined) delete env[name];
      else env[name] = value;
    }
  };
  Object.assign(env, variables);
  let result: T;
  try {
    result = action();
  } catch (error) {
    restore();
    throw error;
  }
  if (result instanceof Promise) return result.finally(restore) as T;
  restore();
  return result;
}
