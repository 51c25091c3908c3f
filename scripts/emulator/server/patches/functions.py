"""Patches of Lambda: the processes of functions, what invokes them, and their logs."""

import queue
import threading


def poll_queues_ten_times_a_second():
    """Delayed messages reach their function up to a second late, because an idle poller sleeps for a second. Remove when MiniStack
    wakes it for a delayed message, or has a setting for it.
    """
    from ministack.services import lambda_svc

    wake = lambda_svc._esm_wake
    wait = wake.wait
    wake.wait = lambda timeout=None: wait(0.1 if timeout is None else min(timeout, 0.1))


def end_lambdas_with_the_emulator():
    """Busy Node workers outlive an emulator that was killed: they must exit when their standard input closes. Remove when
    MiniStack's worker script does so.
    """
    from ministack.core import lambda_runtime

    lambda_runtime._NODEJS_WORKER_SCRIPT += '\nrl.on("close", () => process.exit(0));\n'


def let_invocations_end():
    """New code or configuration of a function ends its processes in the middle of an invocation, and the request waits for them; on AWS an
    invocation ends with the code with which it began. Remove when `ministack.core.lambda_runtime.invalidate_worker` ends workers that are
    not in use, and others after their invocation.
    """
    from ministack.core import lambda_runtime
    from ministack.services import lambda_svc

    kill = lambda_runtime.kill_workers

    def end(worker):
        # An invocation holds the lock.
        with worker._lock:
            kill([worker])

    def invalidate(*args, **kwargs):
        # It takes them out of the pool: later invocations get others.
        retired = []
        ending.retired = retired
        try:
            take_out(*args, **kwargs)
        finally:
            ending.retired = None
        for worker in retired:
            threading.Thread(target=end, args=(worker,), daemon=True).start()

    def kill_or_collect(workers):
        retired = getattr(ending, "retired", None)
        if retired is None:
            kill(workers)
        else:
            retired.extend(workers)

    ending, take_out = threading.local(), lambda_runtime.invalidate_worker
    lambda_runtime.kill_workers = kill_or_collect
    lambda_runtime.invalidate_worker = lambda_svc.invalidate_worker = invalidate


def keep_tls_to_other_local_servers():
    """MiniStack sends https requests of Lambdas to any loopback port without TLS, to itself. Remove when its worker script checks
    the port.
    """
    from ministack.core import lambda_runtime

    found = '    const advertised = (process.env.MINISTACK_HOST || "").split(":")[0];\n'
    if found not in lambda_runtime._NODEJS_WORKER_SCRIPT:
        raise SystemExit("patches/functions.py: MiniStack's worker script has changed; see keep_tls_to_other_local_servers")
    elsewhere = "options.port && ![443, msPort].includes(Number(options.port))"
    lambda_runtime._NODEJS_WORKER_SCRIPT = lambda_runtime._NODEJS_WORKER_SCRIPT.replace(
        found, f"    if ({elsewhere}) return origHttpsReq.apply(https, original);\n{found}"
    )


def load_no_sdk_of_another_folder():
    """MiniStack's worker loads version 2 of the SDK to redirect it: it finds that of our node_modules, above its own folder, and takes half a second
    of the processor for each new process of a function. Functions bundle what they use, and the runtime has no version 2. Remove when the worker
    patches the SDK of the function only.
    """
    from ministack.core import lambda_runtime

    found = 'require("aws-sdk")'
    if lambda_runtime._NODEJS_WORKER_SCRIPT.count(found) != 1:
        raise SystemExit("patches/functions.py: MiniStack's worker script has changed; see load_no_sdk_of_another_folder")
    # Within a `try` that ignores a missing SDK.
    lambda_runtime._NODEJS_WORKER_SCRIPT = lambda_runtime._NODEJS_WORKER_SCRIPT.replace(
        found, 'require(path.join(process.env.LAMBDA_TASK_ROOT, "node_modules", "aws-sdk"))'
    )


def end_logs_with_the_invocation():
    """After each invocation MiniStack waits until a function has logged nothing for a while: 5 to 50 ms. Here the worker marks the end of
    the invocation in its log. Remove when MiniStack's worker does so.
    """
    from ministack.core import lambda_runtime

    end = "\0"
    lambda_runtime._NODEJS_WORKER_SCRIPT = """
        const respond = process.stdout.write;
        process.stdout.write = function (text, ...rest) {
            if (!String(text).startsWith('{"status":"ready"')) process.stderr.write("\\u0000\\n");
            return respond.call(process.stdout, text, ...rest);
        };
    """ + lambda_runtime._NODEJS_WORKER_SCRIPT

    drain = lambda_runtime.Worker._drain_stderr_bounded

    def until_the_end(self):
        if not self.config.get("Runtime", "").startswith("nodejs"):
            return drain(self)
        lines = []
        try:
            # Only a worker that has died leaves no mark.
            while not (line := self._stderr_queue.get(timeout=0.25)).endswith(end):
                lines.append(line)
            lines.append(line.removesuffix(end))
        except queue.Empty:
            pass
        return "\n".join(lines).removesuffix("\n")

    lambda_runtime.Worker._drain_stderr_bounded = until_the_end


def patch_functions():
    poll_queues_ten_times_a_second()
    end_lambdas_with_the_emulator()
    let_invocations_end()
    keep_tls_to_other_local_servers()
    load_no_sdk_of_another_folder()
    end_logs_with_the_invocation()
