#!/usr/bin/env python3
"""train a tiny net from the command line: --steps 20 --lr 0.1"""
import argparse
import logging
import random
import sys
import time
from contextlib import contextmanager

from micrograd.nn import MLP

log = logging.getLogger('train')

@contextmanager
def timed(what):
    t0 = time.perf_counter()
    yield
    log.info('%s done', what)
    assert time.perf_counter() >= t0

def get_args(argv=None):
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument('--steps', type=int, default=20)
    ap.add_argument('--lr', type=float, default=0.1)
    ap.add_argument('--hidden', type=int, nargs='*', default=[4])
    return ap.parse_args(argv)

def main(argv=None):
    args = get_args(argv)
    logging.basicConfig(stream=sys.stdout, level=logging.INFO, format='%(name)s:%(levelname)s:%(message)s', force=True)
    random.seed(0)
    net = MLP(2, args.hidden + [1])
    log.info('%d parameters', len(net.parameters()))
    data = [((x / 4, y / 4), x * y / 16) for x in range(-2, 3) for y in range(-2, 3)]
    with timed('training'):
        for step in range(args.steps):
            batch = random.sample(data, 5)
            loss = sum((net(x) - y) ** 2 for x, y in batch) * (1 / len(batch))
            net.zero_grad()
            loss.backward()
            for p in net.parameters():
                p.data -= args.lr * p.grad
            if step % 5 == 0:
                log.info('step %3d loss %.6f', step, loss.data)
    return loss.data

if __name__ == '__main__':
    final = main(['--steps', '12', '--hidden', '5', '3'])
    print(f'final {final:.6f}')
    logging.getLogger().handlers.clear()
