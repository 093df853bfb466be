#pragma once

namespace machine::local {

/// The first call of main, before there is a second thread. Leaves no core file, which would hold decrypted
/// settings. For root or SYSTEM also: of the environment only what this program reads and a PATH of system
/// folders, no library from anywhere but the system's folder (Windows), three open standard streams, files
/// that nobody else may write to, and a run that outlives the terminal it was started from.
void harden_this_process();

}  // namespace machine::local
