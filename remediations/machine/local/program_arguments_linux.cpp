#include "remediations/machine/local/program_arguments.hpp"

namespace machine::local {

std::vector<std::string> program_arguments(int count, char** values) {
    return {values + (count > 0 ? 1 : 0), values + count};
}

}  // namespace machine::local
