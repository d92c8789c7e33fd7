// SPDX-License-Identifier: Apache-2.0
/// Runs ikealg-replay, named by the environment variable IKEALG_REPLAY, as a user does.
#ifndef IKEALG_TESTS_CAPTURES_PROGRAM_HPP
#define IKEALG_TESTS_CAPTURES_PROGRAM_HPP

#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <sstream>
#include <string>
#include <vector>

namespace ikealg_tests {

inline std::string file_content(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

/// A folder that goes away with the object.
class scratch_folder {
public:
    scratch_folder() {
        std::string form = (std::filesystem::temp_directory_path() / "ikealg-replay-XXXXXX").string();
        path_ = mkdtemp(form.data());
    }
    scratch_folder(const scratch_folder&) = delete;
    scratch_folder& operator=(const scratch_folder&) = delete;
    ~scratch_folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    [[nodiscard]] std::string operator/(const std::string& name) const { return (path_ / name).string(); }

private:
    std::filesystem::path path_;
};

struct outcome {
    int status = -1;
    std::string out{};
    std::string err{};
};

/// Empty when ikealg-replay was not built.
inline std::string replay_program() {
    const char* path = std::getenv("IKEALG_REPLAY");
    return path == nullptr ? std::string{} : std::string{path};
}

inline outcome run_replay(const std::vector<std::string>& arguments) {
    const scratch_folder scratch;
    const auto quoted = [](const std::string& text) { return "'" + text + "'"; };
    std::string command = quoted(replay_program());
    for (const std::string& a : arguments) {
        command += ' ' + quoted(a);
    }
    const int raw = std::system((command + " >" + quoted(scratch / "out") + " 2>" + quoted(scratch / "err")).c_str());
    return {WIFEXITED(raw) ? WEXITSTATUS(raw) : -1, file_content(scratch / "out"), file_content(scratch / "err")};
}

/// The numbers of a JSON file that ikealg-replay wrote; those of an inner object as "dropped.policy".
inline std::map<std::string, double> numbers_of(const std::string& json) {
    std::map<std::string, double> result;
    std::string outer;
    std::string name;
    for (std::size_t i = 0; i < json.size(); ++i) {
        const char c = json[i];
        if (c == '"') {
            const auto end = json.find('"', i + 1);
            name = json.substr(i + 1, end - i - 1);
            i = end;
        } else if (c == '{') {
            outer = name.empty() ? "" : name + '.';
        } else if (c == '}') {
            outer.clear();
        } else if ((c >= '0' && c <= '9') || c == '-') {
            const auto end = json.find_first_of(",}\n", i);
            result[outer + name] = std::stod(json.substr(i, end - i));
            i = end - 1;
        }
    }
    return result;
}

/// Plays and reads the totals. `status` other than 0 leaves them empty.
struct played {
    outcome run{};
    std::map<std::string, double> totals{};

    [[nodiscard]] std::uint64_t operator[](const std::string& name) const {
        const auto found = totals.find(name);
        return found == totals.end() ? 0 : static_cast<std::uint64_t>(found->second);
    }
    /// All drops but those of held IKE messages whose repetition took their place: nothing is lost by them.
    [[nodiscard]] std::uint64_t lost() const {
        std::uint64_t n = 0;
        for (const auto& [name, value] : totals) {
            n += name.rfind("dropped.", 0) == 0 && name != "dropped.superseded" ? static_cast<std::uint64_t>(value) : 0;
        }
        return n;
    }
};
inline played play(std::vector<std::string> arguments) {
    const scratch_folder scratch;
    arguments.insert(arguments.end(), {"--quiet", "--json", scratch / "json"});
    played p;
    p.run = run_replay(arguments);
    p.totals = numbers_of(file_content(scratch / "json"));
    return p;
}

}  // namespace ikealg_tests

#endif
