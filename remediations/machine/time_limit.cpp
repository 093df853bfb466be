#include "remediations/machine/time_limit.hpp"

#include <atomic>
#include <mutex>
#include <vector>

namespace machine {

namespace {

std::atomic<std::size_t> left_behind = 0;

}  // namespace

void leave_behind(std::thread thread) {
    // Not detached: MinGW's threads library frees a thread that is detached just as it ends, while it still uses what
    // is freed. Never destroyed: such a thread may outlive everything else.
    static auto& mutex = *new std::mutex;
    static auto& threads = *new std::vector<std::thread>;
    const std::scoped_lock lock(mutex);
    threads.push_back(std::move(thread));
    ++left_behind;
}

std::size_t threads_left_behind() {
    return left_behind;
}

}  // namespace machine
