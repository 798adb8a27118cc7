"""An ordinary script that is trusted with nothing: it works on /data, and then tries to get out of it."""

import csv
import json
import os
import time

DATA = "/data"
PAUSE = 0.05


def show_tree():
    print("files below /data:")
    for folder, folders, files in os.walk(DATA):
        folders.sort()
        for name in sorted(files):
            path = os.path.join(folder, name)
            about = f"link to {os.readlink(path)}" if os.path.islink(path) else f"{os.stat(path).st_size} bytes"
            print(f"  {path[len(DATA) + 1:]}  {about}")


def read_stock():
    with open(f"{DATA}/stock.csv", newline="") as file:
        return {row["item"]: row for row in csv.DictReader(file)}


def read_orders():
    orders = []
    for name in sorted(os.listdir(f"{DATA}/orders")):
        with open(f"{DATA}/orders/{name}") as file:
            orders += json.load(file)
    return orders


def write_report(stock, orders):
    left = {item: int(row["count"]) for item, row in stock.items()}
    for order in orders:
        left[order["item"]] -= order["count"]
    os.mkdir(f"{DATA}/reports")
    with open(f"{DATA}/reports/reorder.txt", "w") as file:
        for item, count in sorted(left.items()):
            minimum = int(stock[item]["minimum"])
            if count < minimum:
                file.write(f"{item}: {count} left, minimum {minimum}\n")
    with open(f"{DATA}/reports/reorder.txt") as file:
        print("wrote reports/reorder.txt:")
        for line in file:
            print(f"  {line.rstrip()}")


def delete_old_prices():
    os.unlink(f"{DATA}/old-price-list.txt")
    there = os.path.exists(f"{DATA}/old-price-list.txt")
    print("deleted old-price-list.txt:", "still there" if there else "gone")


def sleep():
    start = time.monotonic()
    time.sleep(PAUSE)
    took = time.monotonic() - start
    print("slept 50 ms:", "as long as that" if PAUSE <= took < PAUSE + 2 else f"no, {took * 1000:.0f} ms")


def attempt(what, path):
    try:
        with open(path) as file:
            print(f"  {what}: READ {len(file.read())} bytes")
    except OSError as error:
        print(f"  {what}: {error.strerror}")


def try_to_escape():
    print("looking for the host's /etc/passwd:")
    attempt("/etc/passwd", "/etc/passwd")
    attempt("/data/../etc/passwd", f"{DATA}/../etc/passwd")
    attempt("/data/../../../../etc/passwd", f"{DATA}/../../../../etc/passwd")
    try:
        os.symlink("../../etc", f"{DATA}/e")
        print(f"  made the link /data/e to {os.readlink(DATA + '/e')}")
    except OSError as error:
        print(f"  making the link /data/e: {error.strerror}")
    attempt("/data/e/passwd", f"{DATA}/e/passwd")


show_tree()
write_report(read_stock(), read_orders())
delete_old_prices()
sleep()
try_to_escape()
show_tree()
