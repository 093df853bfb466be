#pragma once

namespace machine::local {

/// From now on this thread gets processor and disk when nobody else wants them, and so do the programs that it starts.
/// Where the system refuses, it goes on as before.
void let_others_go_first();

}  // namespace machine::local
