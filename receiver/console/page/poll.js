/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keeps a view up to date: reads every few seconds while the page is visible, and less often while
 * the hub is away.
 */
const INTERVAL_MS = 5000;
const INTERVAL_MAX_MS = 30000;

/*
 * read(signal) is called at once and then again and again; done(result) or failed(error) follows.
 * Returns {stop, now}: now() reads at once.
 */
export function poll(read, done, failed) {
    const stopped = new AbortController();
    let timer = null;
    let wait = INTERVAL_MS;
    let reading = false;
    let again = false;

    function schedule(ms) {
        clearTimeout(timer);
        if (!stopped.signal.aborted)
            timer = setTimeout(run, ms);
    }

    async function run() {
        if (reading) {
            again = true;
            return;
        }
        if (document.hidden)
            return;
        reading = true;
        try {
            const result = await read(stopped.signal);
            wait = INTERVAL_MS;
            if (!stopped.signal.aborted)
                done(result);
        } catch (error) {
            wait = Math.min(wait * 2, INTERVAL_MAX_MS);
            if (!stopped.signal.aborted)
                failed(error);
        }
        reading = false;
        schedule(again ? 0 : wait);
        again = false;
    }

    function visibility() {
        if (!document.hidden)
            schedule(0);
    }

    document.addEventListener("visibilitychange", visibility);
    run();
    return {
        now: () => schedule(0),
        stop() {
            stopped.abort();
            clearTimeout(timer);
            document.removeEventListener("visibilitychange", visibility);
        },
    };
}
