// Azure's answers. The first line names a cause; all further lines are what Azure answers, one JSON document each, in
// turn. They are reduced as on arrival, and diagnosed.
#include <boost/json.hpp>

#include "remediations/engine/catalogue.hpp"
#include "remediations/machine/arm/reduced.hpp"
#include "remediations/machine/recorded/capture.hpp"
#include "tests/fuzz/input.hpp"

namespace {

constexpr auto vm_id = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/vm1";

class SaidAzure final : public machine::Azure {
public:
    explicit SaidAzure(std::vector<boost::json::value> answers) : answers_(std::move(answers)) {}

    machine::Result<machine::AzureAccess> access() const override {
        return machine::AzureAccess{"a fuzzer", true, "AzurePublicCloud", vm_id, "westeurope", ""};
    }
    machine::Result<machine::ArmAnswer> ask(const machine::ArmQuestion& question) const override {
        // As the client does; an id in an answer need not be one.
        if (!question.path.starts_with('/')) return machine::Error::invalid(question.path + " is no question");
        if (answers_.empty()) return machine::ArmAnswer{.status = 404, .code = "ResourceNotFound"};
        const auto& answer = answers_[asked_++ % answers_.size()];
        return machine::ArmAnswer{.status = 200, .body = machine::arm::reduced(answer, question.members)};
    }

private:
    std::vector<boost::json::value> answers_;
    mutable std::size_t asked_ = 0;
};

const remediations::Remediation& chosen_by(std::string_view line) {
    std::vector<const remediations::Remediation*> all;
    for (const auto* each : remediations::catalogue()) {
        if (each->diagnose_in_azure) all.push_back(each);
    }
    for (const auto* each : all) {
        if (each->id == line) return *each;
    }
    return *all[std::hash<std::string_view>()(line) % all.size()];
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    auto text = fuzz::text_of(data, size);
    const auto& remediation = chosen_by(fuzz::take_line(text));
    std::vector<boost::json::value> answers;
    while (!text.empty() && answers.size() < 64) {
        boost::system::error_code error;
        auto answer = boost::json::parse(fuzz::take_line(text), error);
        if (!error) answers.push_back(std::move(answer));
    }
    machine::SystemFacts facts;
    facts.now = std::chrono::system_clock::time_point(std::chrono::seconds(1795226400));
    auto machine = machine::recorded::unrecorded(facts);
    machine.use_azure(std::make_unique<SaidAzure>(std::move(answers)));
    const auto finding = remediation.diagnose_in_azure(machine, {});
    fuzz::require(!finding.summary.empty());
    return 0;
}
