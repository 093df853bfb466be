#pragma once

namespace machine::local {

/// Gives this thread, and the programs that it starts, processor and disk time only when nobody else wants it. Ignores
/// a refusal of the system.
void let_others_go_first();

}  // namespace machine::local
