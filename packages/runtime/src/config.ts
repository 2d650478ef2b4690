/**
 * Configuration from the environment. Every variable has a `_FILE` twin (its content, trimmed), so that secrets can be
 * files; an empty variable counts as unset. All mistakes are reported at once, by name, before anything starts.
 */
import { readFileSync } from 'node:fs';
import { type z } from 'zod';

interface ConfigProblem {
  name: string;
  message: string;
}

export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: ConfigProblem[];

  constructor(problems: ConfigProblem[]) {
    const lines = problems.map((problem) => `  ${problem.name}: ${problem.message}`);
    super(`The configuration has ${problems.length} problem(s):\n${lines.join('\n')}`);
    this.problems = problems;
  }
}

/**
 * @param schema object schema whose keys are the names of environment variables; values arrive as strings
 * @throws {ConfigError} listing every variable that is missing, unreadable or malformed
 */
export function loadConfig<S extends z.ZodObject>(schema: S, env: NodeJS.ProcessEnv = process.env): z.output<S> {
  const problems: ConfigProblem[] = [];
  const raw: Record<string, string> = {};
  for (const name of Object.keys(schema.shape)) {
    const value = readVariable(name, env, problems);
    if (value !== undefined) raw[name] = value;
  }
  const parsed = schema.safeParse(raw);
  if (!parsed.success) {
    for (const issue of parsed.error.issues) {
      const name = issue.path.join('.') || 'configuration';
      if (!problems.some((problem) => problem.name === name)) problems.push({ name, message: issue.message });
    }
  }
  if (problems.length > 0 || !parsed.success) throw new ConfigError(problems);
  return parsed.data;
}

function readVariable(name: string, env: NodeJS.ProcessEnv, problems: ConfigProblem[]): string | undefined {
  const direct = env[name] === '' ? undefined : env[name];
  const file = env[`${name}_FILE`] === '' ? undefined : env[`${name}_FILE`];
  if (file === undefined) return direct;
  if (direct !== undefined) {
    problems.push({ name, message: `set either ${name} or ${name}_FILE, not both` });
    return undefined;
  }
  try {
    return readFileSync(file, 'utf8').trim() || undefined;
  } catch (error) {
    problems.push({
      name: `${name}_FILE`,
      message: `cannot be read: ${error instanceof Error ? error.message : error}`,
    });
    return undefined;
  }
}
