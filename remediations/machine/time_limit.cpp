#include "remediations/machine/time_limit.hpp"

#include <mutex>
#include <vector>

namespace machine {

void leave_behind(std::thread thread) {
    // Not detached: MinGW's threads library frees a thread that is detached just as it ends, while it still uses what
    // is freed. Never destroyed: such a thread may outlive everything else.
    static auto& mutex = *new std::mutex;
    static auto& threads = *new std::vector<std::thread>;
    const std::scoped_lock lock(mutex);
    threads.push_back(std::move(thread));
}

}  // namespace machine
