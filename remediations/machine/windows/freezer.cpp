#include "remediations/machine/freezer.hpp"

namespace machine {

namespace {

/// On Windows only the Volume Shadow Copy Service freezes file systems.
class NoFreezer final : public Freezer {
public:
    Result<std::vector<Process>> permission_listeners() const override { return unsupported(); }
    Result<std::string> device_holding(const Path&) const override { return unsupported(); }
    Result<std::unique_ptr<FreezeLock>> lock(const Path&) override { return unsupported(); }
    Result<FreezeReport> freeze_and_thaw(const std::vector<FreezeTarget>&, const FreezeLimits&) override {
        return unsupported();
    }
    Result<std::vector<Path>> thaw_abandoned() override { return std::vector<Path>(); }

private:
    static Error unsupported() {
        return Error::unsupported("a freeze can be rehearsed on Linux only; on Windows VSS does it");
    }
};

}  // namespace

std::unique_ptr<Freezer> local_freezer() {
    return std::make_unique<NoFreezer>();
}

}  // namespace machine
