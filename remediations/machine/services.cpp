#include "remediations/machine/services.hpp"

namespace machine {

std::string_view to_string(ServiceState state) {
    switch (state) {
        case ServiceState::running:
            return "running";
        case ServiceState::stopped:
            return "stopped";
        case ServiceState::starting:
            return "starting";
        case ServiceState::stopping:
            return "stopping";
        case ServiceState::failed:
            return "failed";
    }
    return "";
}

std::string_view to_string(StartType start) {
    switch (start) {
        case StartType::automatic:
            return "automatic";
        case StartType::manual:
            return "manual";
        case StartType::disabled:
            return "disabled";
    }
    return "";
}

}  // namespace machine
