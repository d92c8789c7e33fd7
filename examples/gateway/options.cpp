// SPDX-License-Identifier: Apache-2.0
#include "options.hpp"

#include <CLI/CLI.hpp>
#include <map>

#include "ikealg/version.hpp"

namespace gateway_example {

std::optional<options> parse(int argc, char** argv, int& status) {
    options o;
    CLI::App app{
        "A NAT gateway on live interfaces through which IPsec clients without NAT-T reach their servers.\n"
        "SIGTERM and SIGINT end it, SIGHUP reads the configuration again, SIGUSR1 prints sessions and counters.",
        "ikealg-gateway"};
    app.set_version_flag("--version", "ikealg " + to_string(ikealg::version));
    app.add_option("--config,-c", o.configurations, "configuration in Junos words, braces or set lines; may be given several times")
        ->required()
        ->type_name("FILE");
    app.add_flag("--check", o.check, "check the configuration and end: 0 when it is good, perhaps with warnings, 1 when not");
    const std::map<std::string, show_form> forms{{"braces", show_form::braces}, {"set", show_form::set}};
    app.add_option("--show", o.show, "print the configuration as it was understood, in braces or as set lines, and end")
        ->transform(CLI::CheckedTransformer(forms).description(""))
        ->type_name("braces|set");
    app.add_option("--state", o.state_file, "where tunnels survive a restart: read at the start, written at the end")
        ->type_name("FILE");
    app.add_option("--user", o.user, "become this user after start; the files must then be readable for it")->type_name("NAME");
    app.add_option("--log-level", o.log_level, "instead of the configuration's: trace, debug, info, warning, error, critical, off")
        ->check(CLI::IsMember({"trace", "debug", "info", "warning", "error", "critical", "off"}).description(""))
        ->type_name("LEVEL");
    app.add_option("--log-file", o.log_file, "instead of the configuration's; standard error when silent")->type_name("FILE");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& e) {
        status = app.exit(e) == 0 ? 0 : 2;
        return std::nullopt;
    }
    return o;
}

}  // namespace gateway_example
