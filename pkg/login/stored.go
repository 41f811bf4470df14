package login

// Stored returns the access token that is there, as long as it has not ended:
// for what would rather do without than refresh the login. It takes no lock,
// asks nobody and changes nothing.
func (c *Client) Stored() (string, error) {
	found, err := c.read()
	if err != nil {
		return "", err
	}
	if err := c.own(found); err != nil {
		return "", err
	}
	if !c.alive(found) {
		return "", notLoggedIn()
	}
	return found.Access, nil
}
