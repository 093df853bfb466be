#pragma once

namespace machine::local {

/// Hardens this process. Call it first in main(), before there is a second thread. Disables core files, which would
/// hold decrypted settings. For root or SYSTEM also: keeps of the environment only what this program reads, and a PATH
/// of system folders; opens the three standard streams; creates files that nobody else may write to; lets the run
/// outlive the terminal that started it. Windows: a program that calls it searches libraries in the system's folder
/// alone, from before its first initializer.
void harden_this_process();

}  // namespace machine::local
