internal import BridgePluginHost
internal import BridgeTools
internal import Glibc
internal import JSON
internal import TrustedFiles

/// Whether a file is a plugin, and what it does while it is loaded.
enum LoadTests {
  static let all: [ValidationTest] = FileTests.all + StartTests.all + ManifestTests.all
}

/// What the file itself says, before any of its code runs.
enum FileTests {
  static let all: [ValidationTest] = [
    ValidationTest(
      "file", level: 1, .load,
      "The file is a whole shared object for this machine that nobody else can write.",
      remedy:
        "Build it anew with `-shared -fPIC`, and copy it whole; take write permission from others."
    ) { run in _ = try run.probe().facts() },
    ValidationTest(
      "entry-exported", level: 1, .load,
      "It exports the function bridge_plugin_entry.",
      remedy:
        "Define `BRIDGE_EXPORT bridge_status bridge_plugin_entry(…)` as bridge_plugin.h shows it; in C++ "
        + "that makes it extern \"C\".",
      needs: ["file", "text-relocations"]
    ) { run in
      let symbols = try run.probe().facts().dynamicSymbols
      let entry = symbols.first { $0.name == "bridge_plugin_entry" && $0.isDefined }
      guard let entry, entry.isGlobal else {
        let similar = symbols.first { $0.isDefined && $0.name.contains("bridge_plugin_entry") }
        let hint = similar.map { "; it exports \($0.name), the name that C++ gives it" } ?? ""
        return run.fail("it does not export bridge_plugin_entry\(hint)")
      }
      if !entry.isFunction {
        run.fail("its bridge_plugin_entry is no function", at: entry.address)
      }
    },
    ValidationTest(
      "exports", level: 2, .load,
      "It exports nothing else, so that it cannot take the place of what others look for.",
      remedy: "Compile with `-fvisibility=hidden`, or link with a version script that names only "
        + "bridge_plugin_entry.",
      needs: ["file", "text-relocations"]
    ) { run in
      let named = namesInManifests(beside: run.path)
      let others = try run.probe().facts().dynamicSymbols.filter {
        $0.isDefined && $0.isGlobal && !isExpected($0.name) && !named.contains($0.name)
      }
      guard let first = others.first else { return }
      let more = others.count > 1 ? " and \(others.count - 1) more" : ""
      run.fail("it also exports \(first.name)\(more)", at: first.address)
    },
    ValidationTest(
      "text-relocations", level: 1, .load,
      "Its code is position independent: it is not changed when it is loaded.",
      remedy: "Compile every file of it with `-fPIC`, assembler too.", needs: ["file"]
    ) { run in
      if try run.probe().facts().hasTextRelocations {
        run.fail(
          "its code has to be changed where it is loaded (text relocations), which hosts refuse")
      }
    },
    ValidationTest(
      "executable-stack", level: 1, .load,
      "It does not ask for stacks whose content can be run.",
      remedy:
        "Link with `-z noexecstack`; files in assembler need a section .note.GNU-stack; nested functions of "
        + "GNU C whose address is taken need another way.", needs: ["file"]
    ) { run in
      if try run.probe().facts().wantsExecutableStack {
        run.fail("it makes the stacks of all threads of the host executable")
      }
    },
    ValidationTest(
      "writable-code", level: 1, .load,
      "No part of it can be both written and run.",
      remedy: "Leave out the linker's options -N and --omagic, and link with `-z separate-code`.",
      needs: ["file"]
    ) { run in
      if try run.probe().facts().hasWritableCode {
        run.fail("a part of it can be both written and run")
      }
    },
    ValidationTest(
      "dependencies", level: 1, .load,
      "The libraries it needs are there, and none of them is kept out by one of the host's.",
      remedy:
        "Install the library, or put it beside the plugin and link with `-Wl,-rpath,'$ORIGIN'`; give a "
        + "library of your own a name that no other has.",
      needs: ["file", "text-relocations"]
    ) { run in
      _ = try openDependencies(run) { run.fail($0) }
    },
    ValidationTest(
      "symbols", level: 1, .load,
      "All that it looks for elsewhere is in the libraries that it says it needs.",
      remedy:
        "Link with the library that has it (`-l…`), and with `-Wl,-z,defs`, so that the linker tells.",
      needs: ["file", "text-relocations", "dependencies"]
    ) { run in
      let handles = try openDependencies(run) { _ in }
      let facts = try run.probe().facts()
      let own = Set(facts.dynamicSymbols.filter(\.isDefined).map(\.name))
      for symbol in facts.dynamicSymbols where !symbol.isDefined && !symbol.isWeak {
        guard !own.contains(symbol.name) else { continue }
        if handles.contains(where: { has($0, symbol.name) }) { continue }
        if ["__asan_", "__tsan_", "__ubsan_"].contains(where: { symbol.name.hasPrefix($0) }) {
          throw TestRun.Skip(
            reason: "it is built for a sanitizer, whose runtime the host has to have")
        }
        if let library = libraryOfProcess(with: symbol.name) {
          return run.fail(
            "\(symbol.name) is found only because this host happens to have \(library), which the plugin does "
              + "not say it needs")
        }
        return run.fail("nothing has \(symbol.name), which it looks for")
      }
    },
  ]

  /// What a language's runtime has to export from every shared object.
  private static func isExpected(_ name: String) -> Bool {
    name == "bridge_plugin_entry"
      || ["_init", "_fini", "_edata", "_end", "__bss_start"].contains(name)
      // Go's, for calls from C into Go.
      || name.hasPrefix("_cgo_") || name.hasPrefix("x_cgo_") || name == "crosscall2"
      || name == "_crosscall2_ptr"
      // Coverage and profiles write to what all objects share.
      || name.hasPrefix("__llvm_profile_") || name.hasPrefix("__gcov_")
  }

  /// All texts of manifests beside a plugin: functions that a manifest makes into tools have to be exported.
  private static func namesInManifests(beside path: String) -> Set<String> {
    let directory = String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
    var names: Set<String> = []
    func add(_ json: JSON) {
      switch json {
      case .string(let text): names.insert(text)
      case .array(let elements): elements.forEach(add)
      case .object(let members): for member in members { add(member.value) }
      default: break
      }
    }
    for file in (try? TrustedDirectory(directory).entries()) ?? []
    where file.hasSuffix(".native.json") {
      if let text = try? TrustedFile("\(directory)/\(file)").read(limit: 1 << 20),
        let json = try? JSON(parsing: text)
      {
        add(json)
      }
    }
    return names
  }

  /// Opens the libraries that it needs.
  ///
  /// - Parameter fault: Told what is wrong with one.
  private static func openDependencies(
    _ run: TestRun, _ fault: (String) -> Void
  ) throws -> [UnsafeMutableRawPointer] {
    let probe = try run.probe()
    let facts = try probe.facts()
    let directory = String(probe.path[..<(probe.path.lastIndex(of: "/") ?? probe.path.startIndex)])
    let places = facts.searchPath.map { entry in
      entry.replacing("${ORIGIN}", with: directory).replacing("$ORIGIN", with: directory)
    }
    if !facts.name.isEmpty, PluginProbe.isLoaded(facts.name) {
      fault("its name is \(facts.name) (DT_SONAME), as that of a library that the host has")
    }
    var handles: [UnsafeMutableRawPointer] = []
    for name in facts.needed {
      let own = places.map { $0 + "/" + name }.first { access($0, R_OK) == 0 }
      if PluginProbe.isLoaded(name) {
        if let own, own.hasPrefix(directory + "/"), let other = PluginProbe.path(ofLoaded: name),
          other != own
        {
          fault(
            "it brings \(name), but a host has one of that name already (\(other)), which it gets instead"
          )
        }
      }
      guard let handle = dlopen(own ?? name, RTLD_LAZY | RTLD_LOCAL) else {
        let reason = dlerror().map { String(cString: $0) } ?? ""
        fault("it needs \(name), which is not to be had: \(reason)")
        continue
      }
      handles.append(handle)
    }
    return handles
  }

  private static func has(_ handle: UnsafeMutableRawPointer?, _ name: String) -> Bool {
    _ = dlerror()
    return dlsym(handle, name) != nil || dlerror() == nil
  }

  /// The library of this process that has a symbol; nil where none does.
  private static func libraryOfProcess(with name: String) -> String? {
    guard let place = dlsym(nil, name), let file = ProcessWatch.file(at: UInt(bitPattern: place))
    else { return nil }
    return file.split(separator: "/").last.map(String.init)
  }
}
