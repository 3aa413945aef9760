// perturb-gpu/worker/host: the script a page starts as a module worker.

import { type HostScope, serveEngine } from './host';

serveEngine(globalThis as unknown as HostScope);
