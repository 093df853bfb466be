#pragma once

#include <string_view>

#include "remediations/machine/freezer.hpp"
#include "remediations/machine/linux/guarded_freeze.hpp"

namespace machine::local {

/// Returns true if /proc/<pid>/fdinfo/<n> belongs to a fanotify group that the kernel asks for permission, by the
/// events of a mark, or that may make it ask at any moment, by its class (proc_pid_fdinfo(5)).
bool asks_for_permission(std::string_view fdinfo);

class LinuxFreezer final : public Freezer {
public:
    explicit LinuxFreezer(KernelControls controls = {}) : controls_(std::move(controls)) {}

    Result<std::vector<Process>> permission_listeners() const override;
    Result<std::string> device_holding(const Path& path) const override;
    Result<std::unique_ptr<FreezeLock>> lock(const Path& file) override;
    Result<FreezeReport> freeze_and_thaw(const std::vector<FreezeTarget>& targets, const FreezeLimits& limits) override;
    Result<std::vector<Path>> thaw_abandoned() override;

private:
    KernelControls controls_;
};

}  // namespace machine::local
