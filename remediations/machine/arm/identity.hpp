#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "remediations/machine/network.hpp"

namespace machine::arm {

/// The clock for waiting and retries. Tests use their own.
struct Waiting {
    std::function<std::chrono::steady_clock::time_point()> now = [] { return std::chrono::steady_clock::now(); };
    std::function<void(std::chrono::milliseconds)> sleep;  ///< empty: this thread sleeps

    void wait(std::chrono::milliseconds time) const;
};

/// Network::get
using AskHttp = std::function<Result<HttpResponse>(const HttpRequest&)>;

/// A text that is overwritten before its memory is freed.
class Secret {
public:
    Secret() = default;
    explicit Secret(std::string text) : text_(std::move(text)) {}
    /// Copies: a short text would stay in the moved-from string, where nobody would overwrite it.
    // NOLINTNEXTLINE(performance-move-constructor-init)
    Secret(Secret&& other) noexcept : text_(other.text_) { other.wipe(); }
    Secret& operator=(Secret&& other) noexcept;
    Secret(const Secret&) = delete;
    Secret& operator=(const Secret&) = delete;
    ~Secret() { wipe(); }

    const std::string& text() const { return text_; }
    bool empty() const { return text_.empty(); }

    static void wipe(std::string& text) noexcept;

private:
    void wipe() noexcept { wipe(text_); }

    std::string text_;
};

struct Token {
    Secret secret;
    std::chrono::steady_clock::time_point good_until;
};

/// The VM as the instance metadata service describes it.
struct HostedVm {
    std::string resource_id;
    std::string location;
    std::string cloud;  ///< azEnvironment, "AzurePublicCloud"
};

/// Asks the instance metadata service which VM this is. ErrorKind::timed_out, refused or unreachable: this computer is
/// not a VM in Azure, or something blocks its access to the service.
Result<HostedVm> hosted_vm(const AskHttp& http, const Waiting& waiting);

/// Returns a token of the VM's managed identity for `audience` ("https://management.azure.com/"). `client_id` selects
/// one of several user-assigned identities and may be empty. While the service is updated it waits as the documentation
/// asks, up to 80 seconds. ErrorKind::not_found: the VM has no identity, or not that one.
/// https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token
Result<Token> token_of_vm(const std::string& audience, const std::string& client_id, const AskHttp& http,
                          const Waiting& waiting);

/// Returns the bearer token in the output of `az account get-access-token --query accessToken -o tsv`, without
/// surrounding blanks and line ends. ErrorKind::invalid where the text is not a token; the message quotes nothing of
/// it.
Result<Secret> token_from_text(std::string text);

}  // namespace machine::arm
