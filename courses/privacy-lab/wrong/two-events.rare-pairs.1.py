# hint: Exactly k is enough
def value(facts, k):
    from itertools import combinations

    holders = {}
    for each in facts:
        for pair in combinations(sorted(set(each)), 2):
            holders[pair] = holders.get(pair, 0) + 1
    return sum(number <= k for number in holders.values())
