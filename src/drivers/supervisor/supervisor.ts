import type { Mark } from '../../domain/mark.ts';

/** A long-running program of a host. */
export interface Service {
  /** Begins with `mvc-`. */
  name: string;
  /** Absent for what serves the host as a whole, such as the image server. */
  mark?: Mark;
  /** A constant POSIX shell script that runs in the foreground as root; values come by `env`. */
  script: string;
  /** May hold secrets: kept in files that only root can read, never in arguments. */
  env: Record<string, string>;
  /** Name → content of files that the script finds in its working directory. */
  files?: Record<string, string>;
}

/** A service as its host sees it. */
export interface SeenService {
  name: string;
  mark?: Mark;
  env: Record<string, string>;
  /** The script's process runs. */
  up: boolean;
  /** The script's working directory. */
  directory: string;
}

/** What keeps services running at a host: started again after a crash of theirs or of the host. */
export interface Supervisor {
  /**
   * Makes the services exist as given and start. Unchanged ones are not touched, changed ones are
   * started again. Does not wait until they are up.
   *
   * @throws {Failure} Conflict if one of the name carries another mark.
   */
  ensure(services: Service[]): Promise<void>;
  /** Ends them (TERM, then KILL) and removes every trace. Absent ones are no error. */
  remove(names: string[]): Promise<void>;
  /** Our services whose name begins so. */
  describe(prefix: string): Promise<SeenService[]>;
}
