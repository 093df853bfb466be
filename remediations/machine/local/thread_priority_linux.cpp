#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "remediations/machine/local/thread_priority.hpp"

namespace machine::local {

void let_others_go_first() {
    // Both are a thread's own on Linux. The C library has no ioprio_set; the numbers are those of linux/ioprio.h.
    constexpr int nice = 10;
    constexpr int who_process = 1;
    constexpr int class_idle = 3 << 13;
    ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), nice);
    ::syscall(SYS_ioprio_set, who_process, 0, class_idle);
}

}  // namespace machine::local
