// SPDX-License-Identifier: Apache-2.0
/// ikealg-gateway: a NAT gateway on live interfaces, configured in Junos words.
#include <iostream>

#include "configuration_file.hpp"
#include "daemon.hpp"
#include "options.hpp"

int main(int argc, char** argv) {
    using namespace gateway_example;
    int status = 0;
    const auto o = parse(argc, argv, status);
    if (!o) {
        return status;
    }
    if (o->show != show_form::none) {
        return show(o->configurations, o->show, std::cout, std::cerr) ? 0 : 1;
    }
    const auto configuration = load(o->configurations, std::cerr);
    if (!configuration || o->check) {
        return configuration ? 0 : 1;
    }
    gateway_daemon d(*o);
    return d.start(*configuration) ? d.run() : 1;
}
