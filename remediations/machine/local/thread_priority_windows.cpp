#include <windows.h>

#include "remediations/machine/local/thread_priority.hpp"

namespace machine::local {

void let_others_go_first() {
    ::SetThreadPriority(::GetCurrentThread(), THREAD_MODE_BACKGROUND_BEGIN);
}

}  // namespace machine::local
