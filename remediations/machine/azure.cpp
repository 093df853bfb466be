#include "remediations/machine/azure.hpp"

namespace machine {

namespace {

Error not_to_be_asked() {
    return Error::unsupported("Azure is not to be asked");
}

}  // namespace

std::string key_of(const ArmQuestion& question) {
    std::string key = question.method + ' ' + question.path;
    for (const auto& [name, value] : question.query) key += '&' + name + '=' + value;
    key += ' ' + question.body;
    for (const auto& wanted : question.members) key += '\n' + wanted;
    return key;
}

Result<AzureAccess> Azure::access() const {
    return not_to_be_asked();
}

Result<ArmAnswer> Azure::ask(const ArmQuestion&) const {
    return not_to_be_asked();
}

Result<ArmAnswer> Azure::ask_in_pages(const ArmQuestion&, const std::function<void(const boost::json::array&)>&) const {
    return not_to_be_asked();
}

std::chrono::milliseconds Azure::silence_wanted() const {
    return {};
}

void Azure::look_anew() {}

Result<ArmAnswer> Azure::change(const ArmQuestion&) {
    return not_to_be_asked();
}

}  // namespace machine
