#include "remediations/machine/machine.hpp"

#include <thread>

namespace machine {

bool Machine::wait(std::chrono::milliseconds time) const {
    if (!parts_->time_passes) return false;
    std::this_thread::sleep_for(time);
    return true;
}

}  // namespace machine
