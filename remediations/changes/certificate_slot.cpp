#include "remediations/changes/slot.hpp"

#include <fmt/format.h>

#include <boost/json.hpp>

#include "remediations/changes/slot_kind.hpp"

namespace remediations {

using machine::ErrorKind;
using machine::Machine;
using machine::Result;
namespace json = boost::json;

namespace {

class CertificateSlot final : public Slot {
public:
    CertificateSlot(std::string store, std::string thumbprint)
        : store_(std::move(store)), thumbprint_(std::move(thumbprint)) {}

    json::object identity() const override {
        return {{"kind", "certificate"}, {"store", store_}, {"thumbprint", thumbprint_}};
    }

    std::string describe(const SlotValue&, const SlotValue& after) const override {
        return after.is_null() ? fmt::format("remove certificate {} from the computer's store {}", thumbprint_, store_)
                               : fmt::format("put certificate {} into the computer's store {}", thumbprint_, store_);
    }

    Result<SlotValue> read(const Machine& machine) const override {
        const auto serialized = machine.certificates().serialized(store_, thumbprint_);
        if (serialized) return SlotValue(*serialized);
        if (serialized.error().kind == ErrorKind::not_found) return SlotValue(nullptr);
        return serialized.error();
    }

    Result<void> write(Machine& machine, const SlotValue& value) const override {
        if (value.is_null()) return machine.certificates().remove(store_, thumbprint_);
        if (!value.is_string()) return invalid_value("certificate " + thumbprint_ + " is no text");
        return machine.certificates().add(store_, std::string(value.get_string()));
    }

private:
    std::string store_;
    std::string thumbprint_;
};

Result<std::unique_ptr<Slot>> certificate_from(const json::object& identity) {
    return certificate_slot(text_of(identity, "store"), text_of(identity, "thumbprint"));
}

}  // namespace

std::unique_ptr<Slot> certificate_slot(std::string store, std::string thumbprint) {
    return std::make_unique<CertificateSlot>(std::move(store), std::move(thumbprint));
}

extern const SlotKind certificate_kind{"certificate", {"store", "thumbprint"}, certificate_from};

}  // namespace remediations
